import { createDatabase, type TestDatabase } from '@strangler/cluster/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { arrayTypes, wholeRowTypes } from '../../test/array-types.ts';
import { scalarTypes } from '../../test/scalar-types.ts';
import { typesSql } from '../../test/types.ts';
import type { ColumnPlan, TablePlan } from '../plan/index.ts';
import type { Cell } from '../source/index.ts';
import { ChangeWriter } from './changes.ts';
import { copies } from './copy-rows.ts';
import { wantsParking } from './failure.ts';
import { Grouping } from './groups.ts';
import type { RowChange, StreamTable } from './table.ts';

/** A table as a stream knows it, its first column the key. */
function streamTable(name: string, columns: readonly { name: string; type: string }[]): StreamTable {
  const table = { schema: 'public', name };
  const plan: TablePlan = {
    source: table,
    target: table,
    sequences: [],
    columns: columns.map(
      (column, at): ColumnPlan => ({
        source: column.name,
        target: column.name,
        sourceType: column.type,
        readAs: column.type,
        targetType: column.type,
        key: at === 0,
        targetIdentityAlways: false,
      }),
    ),
  };
  return {
    plan,
    relation: { ...table, columns: [] },
    places: columns.map((_, at) => at),
    asSent: false,
    keys: [0],
  };
}

function insert(table: StreamTable, ...values: Cell[]): RowChange {
  return { kind: 'insert', table, key: String(values[0]), values };
}

function grouped(changes: readonly RowChange[]): Grouping {
  const grouping = new Grouping();
  for (const change of changes) grouping.add(change);
  return grouping;
}

/** Whether the first step goes by COPY. */
function copied(grouping: Grouping): boolean {
  const step = grouping.tables()[0]?.steps[0];
  return step !== undefined && step.kind !== 'truncate' && copies(step);
}

describe('many inserts at once', () => {
  let database: TestDatabase;
  let client: pg.Client;
  let writer: ChangeWriter;

  beforeAll(async () => {
    database = await createDatabase('service');
    client = new pg.Client(database.url());
    await client.connect();
    await client.query(typesSql);
    writer = new ChangeWriter(client);
  });
  afterAll(async () => await client.end());

  test('give the same by COPY as one by one, of every type', async () => {
    const types = [...scalarTypes, ...arrayTypes, ...wholeRowTypes];
    const list = ['id integer', ...types.map(({ name, type }) => `${name} ${type}`)].join(', ');
    await client.query(`CREATE TABLE many (${list}); CREATE TABLE few (${list})`);
    const rows = types.flatMap((type, at) =>
      [...type.values, null].map((value) => types.map((_, other) => (other === at ? value : null))),
    );
    const { rows: known } = await client.query<{ name: string; type: string }>(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
        WHERE attrelid = 'many'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    const inserts = (name: string) => {
      const table = streamTable(name, known);
      return rows.map((row, id) => insert(table, String(id), ...row));
    };
    const many = grouped(inserts('many'));
    expect(copied(many)).toBe(true);
    await writer.write(many, false);
    for (const change of inserts('few')) {
      expect(copied(grouped([change]))).toBe(false);
      await writer.write(grouped([change]), false);
    }
    const contents = async (name: string) =>
      (await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t ORDER BY id`)).rows;
    expect((await contents('many')).length).toBe(rows.length);
    expect(await contents('many')).toEqual(await contents('few'));
  });

  test('refuse what one insert refuses, and are parked where their order is at fault', async () => {
    const columns = [
      { name: 'id', type: 'integer' },
      { name: 'ref', type: 'character varying(5)' },
    ];
    const table = streamTable('unique_ref', columns);
    await client.query(
      `CREATE TABLE unique_ref (id integer PRIMARY KEY, ref varchar(5) UNIQUE); INSERT INTO unique_ref VALUES (0, 'r7')`,
    );
    const rows = Array.from({ length: 200 }, (_, at) => insert(table, String(at + 1), `r${at + 1}`));
    const long = grouped(rows.with(3, insert(table, '4', 'too long')));
    await expect(writer.write(long, false)).rejects.toMatchObject({ code: '22001' });
    const gone: RowChange = { kind: 'delete', table, key: '0', oldKey: ['0'] };
    // The delete came between the inserts, and yet all of these are made first.
    const swapped = grouped([...rows.slice(0, 6), gone, ...rows.slice(6)]);
    expect(copied(swapped)).toBe(true);
    await client.query('BEGIN');
    const refused: unknown = await writer.write(swapped, false).catch((error: unknown) => error);
    expect(wantsParking(refused)).toBe(true);
    await client.query('ROLLBACK');
    await writer.write(swapped, true);
    const { rows: found } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM unique_ref');
    expect(found).toEqual([{ n: 200 }]);
  });
});
