import { type ConfigInput, parseConfig } from '@strangler/config';
import { StranglerError } from '@strangler/errors';
import type { Direction } from '@strangler/ledger';
import { describe, expect, test } from 'vitest';
import type { Catalog, ColumnFacts, TableFacts } from '../catalog/index.ts';
import { columnsIn, planIssues, resolvePlan } from './index.ts';

const column = (name: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({
  name,
  type: 'bigint',
  typeOid: 20,
  builtin: true,
  baseType: null,
  enumLabels: null,
  typeKind: 'base',
  checks: [],
  notNull: false,
  default: null,
  identity: null,
  generated: false,
  storage: 'plain',
  ...more,
});

const table = (name: string, columns: ColumnFacts[], more: Partial<TableFacts> = {}): TableFacts => ({
  table: { schema: 'public', name },
  oid: 1,
  kind: 'table',
  persistence: 'permanent',
  serverVersion: 180000,
  owner: 'owner',
  rowSecurity: false,
  replicaIdentity: 'default',
  identityIndex: null,
  estimatedRows: 0,
  pages: 0,
  columns,
  primaryKey: ['id'],
  uniqueIndexes: [
    { name: 'pkey', columns: ['id'], primary: true, partial: false, immediate: true, valid: true },
  ],
  foreignKeys: [],
  referencedBy: [],
  triggers: [],
  children: [],
  sequences: [],
  publications: [],
  subscriptions: [],
  ...more,
});

const catalogOf = (...tables: TableFacts[]): Catalog =>
  new Map(tables.map((each) => [`"${each.table.schema}"."${each.table.name}"`, each]));

type Tables = NonNullable<ConfigInput['extractions']>[string]['tables'];

function extractionWith(tables: Tables) {
  const config = parseConfig(
    {
      environment: 'test',
      monolith: { url: 'http://m', database: 'postgres://m/m' },
      extractions: { x: { service: { url: 'http://s', database: 'postgres://s/s' }, tables } },
    },
    'test',
  );
  const [extraction] = config.extractions;
  if (!extraction) throw new Error('no extraction');
  return extraction;
}

const id = column('id', { notNull: true });
const enumColumn = column('status', {
  type: 'public.state',
  typeOid: 20000,
  builtin: false,
  enumLabels: ['a'],
  typeKind: 'enum',
});

describe('resolvePlan', () => {
  const extraction = extractionWith({
    orders: {
      to: 'bought',
      columns: {
        id: { to: 'order_id' },
        status: { to: 'state', from: 'status::text', back: 'state::public.state' },
        notes: { omit: true },
      },
    },
  });
  const monolith = catalogOf(
    table(
      'orders',
      [
        id,
        enumColumn,
        column('total', { type: 'public.cents', builtin: false, baseType: 'bigint' }),
        column('notes'),
      ],
      {
        sequences: [
          { column: 'id', sequence: { schema: 'public', name: 'orders_id_seq' }, cache: 1n, increment: 1n },
        ],
      },
    ),
  );
  const service = catalogOf(
    table(
      'bought',
      [
        column('order_id', { notNull: true, identity: 'always' }),
        column('state', { type: 'text' }),
        column('total', { type: 'bigint' }),
        column('seen', { notNull: true, default: 'now()' }),
      ],
      { primaryKey: ['order_id'], uniqueIndexes: [] },
    ),
  );

  test('forward: names, expressions over the monolith columns, and the types their text is read as', () => {
    expect(resolvePlan('forward', extraction, { monolith, service })).toEqual([
      {
        source: { schema: 'public', name: 'orders' },
        target: { schema: 'public', name: 'bought' },
        columns: [
          {
            source: 'id',
            target: 'order_id',
            sourceType: 'bigint',
            readAs: 'bigint',
            targetType: 'bigint',
            key: true,
            targetIdentityAlways: true,
          },
          {
            source: 'status',
            target: 'state',
            sourceType: 'public.state',
            readAs: 'text',
            targetType: 'text',
            key: false,
            expression: 'status::text',
            targetIdentityAlways: false,
          },
          {
            source: 'total',
            target: 'total',
            sourceType: 'public.cents',
            readAs: 'bigint',
            targetType: 'bigint',
            key: false,
            targetIdentityAlways: false,
          },
        ],
        sequences: [{ key: 'public.orders.id', source: '"public"."orders_id_seq"', target: null }],
      },
    ]);
  });

  test('reverse: the same columns back, by `back`, and the sequence under the same key', () => {
    const [plan] = resolvePlan('reverse', extraction, { monolith, service });
    expect(
      plan?.columns.map(({ source, target, expression, key }) => [source, target, expression, key]),
    ).toEqual([
      ['order_id', 'id', undefined, true],
      ['state', 'status', 'state::public.state', false],
      ['total', 'total', undefined, false],
    ]);
    expect(plan?.sequences).toEqual([
      { key: 'public.orders.id', source: null, target: '"public"."orders_id_seq"' },
    ]);
  });
});

describe('what a plan refuses', () => {
  const refusal = (
    tables: Tables,
    monolith: TableFacts[],
    service: TableFacts[],
    direction: Direction = 'forward',
  ) => {
    const catalogs = { monolith: catalogOf(...monolith), service: catalogOf(...service) };
    const issues = planIssues(direction, extractionWith(tables), catalogs);
    expect(() => resolvePlan(direction, extractionWith(tables), catalogs)).toThrow(StranglerError);
    return issues.map((each) => `${each.code}: ${each.fact}`);
  };
  const t = table('t', [id]);

  test('a missing table, on either side', () => {
    expect(refusal({ t: {} }, [], [t])).toEqual([
      'CONFIG_INVALID: The monolith\'s database has no table "public"."t".',
    ]);
    expect(refusal({ t: {} }, [t], [])).toEqual([
      'CONFIG_INVALID: The service\'s database has no table "public"."t".',
    ]);
  });

  test('a mapping of a column that is not there, and a column without a counterpart', () => {
    expect(refusal({ t: { columns: { nmae: { omit: true } } } }, [t], [t])).toEqual([
      'CONFIG_INVALID: "public"."t" has no column nmae.',
    ]);
    expect(refusal({ t: {} }, [table('t', [id, column('extra')])], [t])).toEqual([
      'CONFIG_INVALID: "public"."t" has no column extra, to which extra maps.',
    ]);
  });

  test('two columns that map to one', () => {
    const two = table('t', [id, column('a'), column('b')]);
    expect(refusal({ t: { columns: { b: { to: 'a' } } } }, [two], [table('t', [id, column('a')])])).toEqual([
      'CONFIG_INVALID: a and b both map to a of "public"."t".',
    ]);
  });

  test('a table without a primary key, a key with an expression, an omitted key, keys that differ', () => {
    expect(refusal({ t: {} }, [table('t', [id], { primaryKey: [] })], [t])).toEqual([
      'CHECK_FAILED: "public"."t" has no primary key.',
    ]);
    expect(refusal({ t: { columns: { id: { from: 'id + 1', back: 'id - 1' } } } }, [t], [t])).toEqual([
      'CONFIG_INVALID: id belongs to the primary key of "public"."t" and has a mapping expression.',
    ]);
    const serial = table('t', [column('id', { notNull: true, identity: 'always' })]);
    expect(refusal({ t: { columns: { id: { omit: true } } } }, [t], [serial])).toEqual([
      'CONFIG_INVALID: id belongs to the primary key of "public"."t" and is not carried.',
    ]);
    const other = table('t', [id, column('a')], { primaryKey: ['a'] });
    expect(refusal({ t: {} }, [table('t', [id, column('a')])], [other])).toEqual([
      'CHECK_FAILED: The primary key of "public"."t" (a) is not that of "public"."t" (id).',
    ]);
  });

  test('a NOT NULL column without a default that nothing feeds, in both directions', () => {
    const needs = table('t', [id, column('needed', { notNull: true })]);
    expect(refusal({ t: {} }, [t], [needs])).toEqual([
      'CHECK_FAILED: Nothing feeds needed of "public"."t", which is NOT NULL and has no default.',
    ]);
    expect(refusal({ t: { columns: { needed: { omit: true } } } }, [needs], [t], 'reverse')).toEqual([
      'CHECK_FAILED: Nothing feeds needed of "public"."t", which is NOT NULL and has no default.',
    ]);
  });

  test('trap 10: a generated column that something would have to carry, write or read', () => {
    const generated = table('t', [id, column('sum', { generated: true })]);
    const plain = table('t', [id, column('sum')]);
    const says =
      'CHECK_FAILED: sum of "public"."t" is a generated column: its values are not in the stream and cannot be written.';
    expect(refusal({ t: {} }, [generated], [plain])).toEqual([says]);
    expect(refusal({ t: {} }, [plain], [generated])).toEqual([says]);
    const both = { monolith: catalogOf(generated), service: catalogOf(generated) };
    expect(resolvePlan('forward', extractionWith({ t: {} }), both)[0]?.columns).toHaveLength(1);
    const reads = { t: { columns: { a: { from: 'a + "sum"', back: 'a' } } } };
    expect(
      refusal(
        reads,
        [table('t', [id, column('a'), column('sum', { generated: true })])],
        [table('t', [id, column('a')])],
      ),
    ).toEqual([
      'CHECK_FAILED: The expression for a reads sum of "public"."t", a generated column that the stream doesn\'t carry.',
    ]);
  });

  test('a mapping that goes only one way', () => {
    const plain = table('t', [id, column('a')]);
    expect(refusal({ t: { columns: { a: { from: 'a * 2' } } } }, [plain], [plain])).toEqual([
      'CONFIG_INVALID: a of "public"."t" has only one of `from` and `back`.',
    ]);
  });

  test('trap 5: a replica identity by which no row is found, and relations that hold no rows', () => {
    expect(refusal({ t: {} }, [table('t', [id], { replicaIdentity: 'nothing' })], [t])).toEqual([
      'CHECK_FAILED: "public"."t" has REPLICA IDENTITY NOTHING: its updates and deletes would fail once it is published.',
    ]);
    expect(
      refusal({ t: {} }, [table('t', [id], { replicaIdentity: 'index', identityIndex: 'u' })], [t]),
    ).toEqual(['CHECK_FAILED: "public"."t" has another replica identity (u) than its primary key.']);
    expect(refusal({ t: {} }, [t], [table('t', [id], { kind: 'view' })])).toEqual([
      'CHECK_FAILED: "public"."t" is a view.',
    ]);
  });
});

test('columnsIn errs on the side of yes', () => {
  const columns = ['total', 'Total cents', 'id', 'gone'];
  expect(columnsIn('(TOTAL * 100) + "Total cents"', columns)).toEqual(['total', 'Total cents']);
  expect(columnsIn("coalesce(total, 'gone')", columns)).toEqual(['total', 'gone']);
  expect(columnsIn('subtotal + identity', columns)).toEqual([]);
});
