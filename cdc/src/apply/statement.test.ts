import { describe, expect, test } from 'vitest';
import type { ColumnPlan, TablePlan } from '../plan/index.ts';
import { statementFor, withoutModifier } from './statement.ts';
import type { StreamTable } from './table.ts';

const column = (name: string, more: Partial<ColumnPlan> = {}): ColumnPlan => ({
  source: name,
  target: name,
  sourceType: 'text',
  readAs: 'text',
  targetType: 'text',
  key: false,
  targetIdentityAlways: false,
  ...more,
});

function tableOf(...columns: ColumnPlan[]): StreamTable {
  const name = { schema: 's', name: 'or"ders' };
  const plan: TablePlan = { source: name, target: name, columns, sequences: [] };
  const keys = columns.flatMap((each, index) => (each.key ? [index] : []));
  return {
    plan,
    relation: { ...name, columns: [] },
    places: columns.map((_, index) => index),
    asSent: false,
    keys,
  };
}

const id = column('id', { key: true, targetType: 'bigint' });
const update = (table: StreamTable, untouched: number[], keyChanges = false) =>
  statementFor({ table, kind: 'update', keyChanges, untouched }, '"s"."t"').text;

describe('statements', () => {
  test('an insert reads each value as text, and an expression sees the source columns', () => {
    const table = tableOf(
      id,
      column('total', {
        target: 'cents',
        readAs: 'numeric(12,2)',
        targetType: 'bigint',
        expression: 'total * 100',
      }),
    );
    expect(statementFor({ table, kind: 'insert', keyChanges: false, untouched: [] }, '"s"."t"').text).toBe(
      'INSERT INTO "s"."t" ("id", "cents") OVERRIDING SYSTEM VALUE ' +
        'SELECT CAST("~"."~0" AS bigint), CAST(CAST((total * 100) AS text) AS bigint) ' +
        'FROM unnest($1::text[], $2::text[]) AS "~"("~0", "~1"), ' +
        'LATERAL (SELECT CAST("~"."~0" AS text) AS "id", CAST("~"."~1" AS numeric(12,2)) AS "total") AS "~source"',
    );
  });

  test('trap 03: a value that was left alone is not set, nor what is computed from it alone', () => {
    const table = tableOf(id, column('note'), column('short', { expression: 'left(note, 3)' }), column('b'));
    expect(update(table, [1])).toMatch(/SET "b" = /);
    expect(update(table, [1])).not.toMatch(/SET .*"note" =|"short" =/);
  });

  test('trap 03: a value computed from one that was left alone and one that changed stops the stream', () => {
    const table = tableOf(id, column('note'), column('both', { expression: "note || ' ' || both" }));
    expect(() => update(table, [1])).toThrow(/STREAM_STOPPED: .*note.*REPLICA IDENTITY FULL/s);
  });

  test('trap 10: an identity that is always generated is never set, unless the row changes its key', () => {
    const table = tableOf(
      column('id', { key: true, targetIdentityAlways: true }),
      column('n', { targetIdentityAlways: true }),
      column('v'),
    );
    expect(update(table, [])).toMatch(/SET "v" = [^,]* FROM/);
    expect(update(table, [], true)).toMatch(/SET "id" = .*, "v" = /);
  });

  test('an update of nothing that is carried still looks for its row', () => {
    expect(update(tableOf(id), [])).toMatch(/^SELECT FROM "s"."t"/);
  });

  test('types lose their modifier, so that a value that is too long is refused instead of cut', () => {
    const types = {
      'character varying(10)': 'character varying',
      'character(3)': 'bpchar',
      'character(3)[]': 'bpchar[]',
      'bit(5)': 'pg_catalog."bit"',
      'bit varying(5)': 'bit varying',
      'numeric(12,2)[]': 'numeric[]',
      'timestamp(3) with time zone': 'timestamp with time zone',
      'public."my type(3)"': 'public."my type(3)"',
      'interval day to second(3)': 'interval day to second',
      'public.geometry(Point,4326)': 'public.geometry',
    };
    for (const [type, bare] of Object.entries(types)) expect(withoutModifier(type)).toBe(bare);
  });
});
