import fc from 'fast-check';
import pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { caughtUp, copyAll, flip, follow } from '../../test/follow.ts';
import { application, makeSides, type Sides } from '../../test/sides.ts';
import { type VerifyOptions, type VerifyResult, verifyTables } from './index.ts';
import { verdictOf } from './result.ts';

const monolithSql = `
  CREATE TYPE state AS ENUM ('new', 'paid');
  CREATE TABLE users (id bigint PRIMARY KEY);
  INSERT INTO users VALUES (1), (2);
  CREATE TABLE orders (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, state state NOT NULL DEFAULT 'new',
    total numeric(12,2) NOT NULL, code char(5), ok boolean, doc json, tags text[], at timestamptz, old text);
  INSERT INTO orders (user_id, state, total, code, ok, doc, tags, at, old)
    SELECT 1 + n % 2, CASE WHEN n % 2 = 0 THEN 'new' ELSE 'paid' END::state, n + 0.5, 'c' || n % 100, n % 3 = 0,
           '{"b": 1,  "a": 2}', ARRAY['x', NULL, 'NULL'], now(), 'old'
      FROM generate_series(1, 3000) n;
  CREATE TABLE invoices (id bigint PRIMARY KEY, order_id bigint REFERENCES orders);
  INSERT INTO invoices VALUES (1, 1), (2, 2), (3, NULL);
  CREATE TABLE "Item s" ("order" bigint, "Näme" text, n int, PRIMARY KEY ("order", "Näme"));
  INSERT INTO "Item s" SELECT n % 50, chr(65 + n % 7) || CASE n % 3 WHEN 0 THEN '-' WHEN 1 THEN 'ä' ELSE '' END || n, n FROM generate_series(1, 1000) n;
  CREATE TABLE words (word text PRIMARY KEY, n int);
  INSERT INTO words SELECT CASE n % 4 WHEN 0 THEN 'a b' WHEN 1 THEN 'A' WHEN 2 THEN 'Z' ELSE 'é' END || n, n FROM generate_series(1, 500) n;`;

const serviceSql = `
  CREATE TABLE bought (order_id bigint PRIMARY KEY, customer int NOT NULL, state text NOT NULL, cents bigint NOT NULL,
    code text, ok text, doc jsonb, tags text[], at timestamptz);
  CREATE TABLE item ("order" bigint, name text, n bigint, PRIMARY KEY ("order", name));
  CREATE TABLE words (word varchar(40) PRIMARY KEY, n int);`;

const tables = {
  orders: {
    to: 'bought',
    columns: {
      id: { to: 'order_id' },
      user_id: { to: 'customer' },
      state: { from: 'state::text', back: 'state::state' },
      total: { to: 'cents', from: '(total * 100)::bigint', back: '(cents / 100.0)::numeric(12,2)' },
      old: { omit: true },
    },
  },
  'Item s': { to: 'item', columns: { Näme: { to: 'name' } } },
  words: {},
};

let sides: Sides;
const small = { rangeRows: 200, leafRows: 20 };

beforeEach(async () => {
  sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
});

async function verify(more: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const { config, extraction } = sides;
  return await verifyTables({ config, extraction, signal: AbortSignal.timeout(25_000), ...small, ...more });
}

const inService = (sql: string) =>
  sides.as('service', 'apply', async (apply) => apply.query(`SET search_path = public; ${sql}`));
const differences = (result: VerifyResult) => result.tables.flatMap((each) => each.differences);

describe('verifyTables', () => {
  test('trap 34: equal after a copy, whatever the ranges are, and collations order alike', async () => {
    await copyAll(sides);
    const rows: string[] = [];
    const result = await verify({ onProgress: ({ table, rows: n }) => rows.push(`${table} ${n}`) });
    expect(result).toEqual({
      verdict: 'equal',
      orphans: [],
      tables: [
        { table: '"public"."orders"', rows: 3000, differences: [], indeterminate: 0, more: false },
        { table: '"public"."Item s"', rows: 1000, differences: [], indeterminate: 0, more: false },
        { table: '"public"."words"', rows: 500, differences: [], indeterminate: 0, more: false },
      ],
    });
    expect(rows).toContain('"public"."orders" 3000');
    expect((await verify({ rangeRows: 37, leafRows: 1 })).verdict).toBe('equal');
    expect((await verify({ rangeRows: 100_000, leafRows: 1 })).verdict).toBe('equal');
  });

  test('trap 71: each planted difference is found, with its key, kind and columns', async () => {
    await copyAll(sides);
    follow(sides, 'forward');
    await inService(`
      UPDATE bought SET cents = cents + 1, tags[2] = 'NULL' WHERE order_id = 777;
      UPDATE bought SET cents = CASE order_id WHEN 10 THEN 1150 ELSE 1050 END WHERE order_id IN (10, 11);
      DELETE FROM bought WHERE order_id = 3000;
      INSERT INTO bought VALUES (-5, 1, 'new', 0), (9999999999, 1, 'new', 0);
      UPDATE item SET name = 'moved' WHERE "order" = 7 AND name = (SELECT min(name) FROM item WHERE "order" = 7);
      UPDATE words SET n = NULL WHERE word = 'é3'`);
    const result = await verify();
    expect(result.verdict).toBe('different');
    const [orders, items, words] = result.tables.map((each) =>
      [...each.differences].sort((a, b) => Number(a.key['id']) - Number(b.key['id'])),
    );
    expect(orders).toEqual([
      { key: { id: '-5' }, kind: 'extra' },
      { key: { id: '10' }, kind: 'different', columns: ['total'] },
      { key: { id: '11' }, kind: 'different', columns: ['total'] },
      { key: { id: '777' }, kind: 'different', columns: ['total', 'tags'] },
      { key: { id: '3000' }, kind: 'missing' },
      { key: { id: '9999999999' }, kind: 'extra' },
    ]);
    expect(items).toHaveLength(2);
    expect(items).toContainEqual({ key: { order: '7', Näme: 'moved' }, kind: 'extra' });
    expect(words).toEqual([{ key: { word: 'é3' }, kind: 'different', columns: ['n'] }]);
  });

  test('trap 55: without a stream a difference is indeterminate, and so are rows that kept moving', async () => {
    await copyAll(sides);
    await inService('DELETE FROM bought WHERE order_id = 1');
    const result = await verify({ catchUpMs: 300 });
    expect(result.verdict).toBe('indeterminate');
    expect(result.tables[0]).toMatchObject({ differences: [], indeterminate: 1 });
  });

  test('a table that is wholly different says that there is more, and is not called equal', async () => {
    await copyAll(sides);
    follow(sides, 'forward');
    await inService('UPDATE bought SET cents = cents + 1');
    const result = await verify({ maxSuspects: 50 });
    expect(result.verdict).toBe('different');
    expect(result.tables[0]?.differences).toHaveLength(50);
    expect(result.tables[0]?.more).toBe(true);
    const bytes = await verify({ rangeRows: 10_000, leafRows: 1_000 });
    expect(bytes.tables[0]?.differences).toHaveLength(3000);
  });

  test('trap 34: under writes on the owner the sides are equal, before and after a switch', async () => {
    await copyAll(sides);
    follow(sides, 'forward');
    follow(sides, 'reverse');
    for (const owner of ['monolith', 'service'] as const) {
      const stop = new AbortController();
      const writing = write(sides, owner, stop.signal);
      const results = [await verify(), await verify()];
      stop.abort();
      expect(await writing).toBeGreaterThan(10);
      expect(results.map((each) => each.verdict)).toEqual(['equal', 'equal']);
      expect(results.flatMap(differences)).toEqual([]);
      if (owner === 'monolith') await flip(sides, 'monolith');
    }
    await caughtUp(sides, 'reverse');
    expect((await verify()).verdict).toBe('equal');
  });

  test('a difference is told from lag on the reverse way, too', async () => {
    await copyAll(sides);
    follow(sides, 'forward');
    follow(sides, 'reverse');
    await flip(sides, 'monolith');
    await sides.as('monolith', 'apply', async (apply) =>
      apply.query('DELETE FROM public.orders WHERE id = 5'),
    );
    const result = await verify();
    expect(differences(result)).toEqual([{ key: { id: '5' }, kind: 'missing' }]);
  });

  test('trap 28: rows whose foreign key leads nowhere are counted, per constraint and side', async () => {
    await copyAll(sides);
    await sides.monolith.query(`GRANT SELECT (id) ON users TO strangler_source`);
    await sides.monolith.query(`
      BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM users WHERE id = 2; COMMIT`);
    await sides.monolith.query(
      `BEGIN; SET LOCAL session_replication_role = replica; UPDATE invoices SET order_id = 99999 WHERE id = 1; COMMIT`,
    );
    const result = await verify();
    expect(result.orphans).toEqual([
      {
        side: 'monolith',
        constraint: 'orders_user_id_fkey',
        table: '"public"."orders"',
        references: '"public"."users"',
        rows: 1500,
      },
      {
        side: 'monolith',
        constraint: 'invoices_order_id_fkey',
        table: '"public"."invoices"',
        references: '"public"."orders"',
        rows: 1,
      },
    ]);
    await sides.monolith.query(
      'REVOKE SELECT (id) ON users FROM strangler_source; REVOKE SELECT ON invoices FROM strangler_source',
    );
    expect((await verify()).orphans).toEqual([
      expect.objectContaining({ constraint: 'invoices_order_id_fkey', rows: null }),
    ]);
  });

  test('trap 34: a side that cannot be read fails the run', async () => {
    await copyAll(sides);
    await sides.service.query('REVOKE SELECT ON words FROM strangler_source');
    await expect(verify()).rejects.toThrow('permission denied for table words');
    await sides.service.query(
      'GRANT SELECT ON words TO strangler_source; ALTER TABLE words ENABLE ROW LEVEL SECURITY',
    );
    await expect(verify()).rejects.toThrow(
      'query would be affected by row-level security policy for table "words"',
    );
  });

  test('an abort ends it', async () => {
    await copyAll(sides);
    const stop = new AbortController();
    await expect(verify({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

test('verdictOf: one difference is different, what did not settle is never equal', () => {
  const difference = { key: { id: '1' }, kind: 'extra' as const };
  const result = fc.record({
    differences: fc.array(fc.constant(difference), { maxLength: 2 }),
    indeterminate: fc.nat(2),
    more: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(result), (results) => {
      const clean = results.every((each) => each.differences.length === 0);
      const settled = results.every((each) => each.indeterminate === 0 && !each.more);
      expect(verdictOf(results)).toBe(!clean ? 'different' : settled ? 'equal' : 'indeterminate');
    }),
  );
});

/** New, changed and deleted orders with items at the owner, until told to stop; returns the number of transactions. */
async function write(
  { monolith, service }: Sides,
  owner: 'monolith' | 'service',
  signal: AbortSignal,
): Promise<number> {
  const [database, insert, change, remove] =
    owner === 'monolith'
      ? [
          monolith,
          `INSERT INTO orders (id, user_id, total) VALUES ($1, 1, 5)`,
          `UPDATE orders SET total = total + 1 WHERE id = $1 % 3000`,
          `DELETE FROM orders WHERE id = $1 - 20`,
        ]
      : [
          service,
          `INSERT INTO bought (order_id, customer, state, cents) VALUES ($1, 1, 'new', 5)`,
          `UPDATE bought SET cents = cents + 100 WHERE order_id = $1 % 3000`,
          `DELETE FROM bought WHERE order_id = $1 - 20`,
        ];
  const client = new pg.Client({ connectionString: database.url(application) });
  await client.connect();
  try {
    let n = 0;
    for (; !signal.aborted; n += 1) {
      const id = (owner === 'monolith' ? 10_000 : 500_000) + n;
      await client.query('BEGIN');
      await client.query(insert, [id]);
      await client.query(change, [id]);
      if (n % 5 === 0) await client.query(remove, [id]);
      await client.query('COMMIT');
    }
    return n;
  } finally {
    await client.end();
  }
}
