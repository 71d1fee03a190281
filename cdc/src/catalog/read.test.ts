import { createDatabase, type TestDatabase } from '@strangler/cluster/testing';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Catalog, readCatalog, tableIn } from './index.ts';

let database: TestDatabase;
let catalog: Catalog;
const orders = { schema: 'shop', name: 'orders' };
const strange = { schema: 'Odd "One"', name: 'Line items' };

async function read(): Promise<Catalog> {
  const client = new pg.Client({ connectionString: database.url(), types: { getTypeParser: () => String } });
  await client.connect();
  try {
    return await readCatalog(client, [orders, strange, { schema: 'shop', name: 'nothing' }]);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  database = await createDatabase('monolith');
  await database.query(`
    CREATE SCHEMA shop;
    CREATE TYPE shop.order_status AS ENUM ('new', 'paid');
    CREATE DOMAIN shop.cents AS bigint CHECK (VALUE >= 0);
    CREATE TABLE shop.users (id bigserial PRIMARY KEY);
    CREATE SEQUENCE shop.shared CACHE 50;
    CREATE TABLE shop.orders (
      id bigserial PRIMARY KEY,
      user_id bigint NOT NULL REFERENCES shop.users ON DELETE CASCADE,
      status shop.order_status NOT NULL DEFAULT 'new',
      former shop.order_status[],
      total shop.cents NOT NULL,
      number bigint NOT NULL DEFAULT nextval('shop.shared'),
      code char(3) COLLATE "C" UNIQUE,
      opens time CHECK (opens < '24:00'),
      twice bigint GENERATED ALWAYS AS (id * 2) STORED,
      body text
    );
    ALTER TABLE shop.orders ALTER body SET STORAGE EXTERNAL;
    CREATE UNIQUE INDEX orders_lower ON shop.orders (lower(body)) WHERE body <> '';
    CREATE TABLE shop.invoices (id int PRIMARY KEY, order_id bigint REFERENCES shop.orders ON DELETE SET NULL);
    CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
    ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER touch;
    INSERT INTO shop.users DEFAULT VALUES;
    INSERT INTO shop.orders (user_id, total) SELECT 1, n FROM generate_series(1, 500) n;
    ANALYZE shop.orders;
    CREATE PUBLICATION slice FOR TABLE shop.orders;
    CREATE SCHEMA "Odd ""One""";
    CREATE TABLE "Odd ""One"""."Line items" (
      "Key 2" int GENERATED ALWAYS AS IDENTITY, "key1" text, PRIMARY KEY ("key1", "Key 2"))
      PARTITION BY LIST ("key1");
    CREATE TABLE "Odd ""One"""."a-c" PARTITION OF "Odd ""One"""."Line items" FOR VALUES IN ('a', 'b')
      PARTITION BY LIST ("key1");
    CREATE TABLE "Odd ""One"""."a" PARTITION OF "Odd ""One"""."a-c" FOR VALUES IN ('a');
    ALTER TABLE "Odd ""One"""."a" REPLICA IDENTITY FULL;
    ALTER TABLE "Odd ""One"""."Line items" ENABLE ROW LEVEL SECURITY;
  `);
  catalog = await read();
});

describe('readCatalog', () => {
  test('says nothing about a table that is not there', () => {
    expect(catalog.size).toBe(2);
    expect(tableIn(catalog, { schema: 'shop', name: 'nothing' })).toBeUndefined();
  });

  test('reads columns with types that name their schema, labels, domains and generated values', () => {
    const columns = new Map(tableIn(catalog, orders)?.columns.map((each) => [each.name, each]));
    expect(columns.get('id')).toMatchObject({
      type: 'bigint',
      builtin: true,
      notNull: true,
      generated: false,
    });
    expect(columns.get('status')).toMatchObject({
      type: 'shop.order_status',
      builtin: false,
      enumLabels: ['new', 'paid'],
    });
    expect(columns.get('former')).toMatchObject({
      type: 'shop.order_status[]',
      enumLabels: ['new', 'paid'],
      typeKind: 'enum',
    });
    expect(columns.get('total')).toMatchObject({
      type: 'shop.cents',
      builtin: false,
      baseType: 'bigint',
      typeKind: 'domain',
    });
    expect(columns.get('code')).toMatchObject({ type: 'character(3)', enumLabels: null });
    expect(columns.get('opens')?.checks).toEqual(["(opens < '24:00:00'::time without time zone)"]);
    expect(columns.get('twice')).toMatchObject({ generated: true });
    expect(columns.get('body')).toMatchObject({ storage: 'external', default: null });
  });

  test('reads keys, foreign keys of both directions with their actions, triggers and publications', () => {
    const found = tableIn(catalog, orders);
    expect(found).toMatchObject({
      kind: 'table',
      persistence: 'permanent',
      owner: 'postgres',
      rowSecurity: false,
      replicaIdentity: 'default',
      primaryKey: ['id'],
      estimatedRows: 500,
      publications: ['slice'],
      subscriptions: [],
      triggers: [{ name: 'touch', enabled: 'always' }],
    });
    expect(found?.foreignKeys).toMatchObject([
      {
        columns: ['user_id'],
        references: { schema: 'shop', name: 'users' },
        onDelete: 'cascade',
        onUpdate: 'no action',
      },
    ]);
    expect(found?.referencedBy).toMatchObject([
      { table: { schema: 'shop', name: 'invoices' }, referencedColumns: ['id'], onDelete: 'set null' },
    ]);
    expect(found?.uniqueIndexes).toMatchObject([
      { name: 'orders_code_key', columns: ['code'], primary: false, partial: false },
      { name: 'orders_lower', columns: [null], partial: true },
      { name: 'orders_pkey', columns: ['id'], primary: true, immediate: true },
    ]);
  });

  test('finds the sequence of a serial, of an identity, and of a default that calls nextval', () => {
    expect(tableIn(catalog, orders)?.sequences).toEqual([
      { column: 'id', sequence: { schema: 'shop', name: 'orders_id_seq' }, cache: 1n, increment: 1n },
      { column: 'number', sequence: { schema: 'shop', name: 'shared' }, cache: 50n, increment: 1n },
    ]);
    expect(tableIn(catalog, strange)?.sequences).toMatchObject([{ column: 'Key 2' }]);
  });

  test('reads partitions of every depth, composite keys in key order, and names with spaces and quotes', () => {
    expect(tableIn(catalog, strange)).toMatchObject({
      kind: 'partitioned',
      primaryKey: ['key1', 'Key 2'],
      rowSecurity: true,
      children: [
        { table: { name: 'a-c' }, kind: 'partitioned', partition: true, full: false },
        { table: { name: 'a' }, kind: 'table', partition: true, full: true },
      ],
    });
    expect(tableIn(catalog, strange)?.columns).toMatchObject([
      { name: 'Key 2', identity: 'always' },
      { name: 'key1', identity: null },
    ]);
  });
});
