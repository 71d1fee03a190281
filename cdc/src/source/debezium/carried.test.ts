import { expect, test } from 'vitest';
import { type CarriedColumn, carriedByDebezium } from './carried.ts';
import { cellOf } from './value.ts';

const column: CarriedColumn = {
  name: 'c',
  table: '"shop"."t"',
  type: 'text',
  builtin: true,
  baseType: null,
  enumLabels: null,
  typeKind: 'base',
  checks: [],
  serverVersion: 180_000,
  full: false,
  plainArrays: true,
};

const carried = (more: Partial<CarriedColumn>) => carriedByDebezium({ ...column, ...more });
const why = (more: Partial<CarriedColumn>) => {
  const carriage = carried(more);
  return carriage.carried ? 'carried' : carriage.why;
};

const scalars =
  `smallint, integer, bigint, oid, real, double precision, numeric, numeric(12,2), numeric(5,-2), money,
  boolean, text, character varying, character varying(20), character(5), bpchar, "char", name, bytea, uuid, date,
  timestamp without time zone, timestamp(3) without time zone, timestamp with time zone, json, jsonb, xml, tsvector, tsquery,
  jsonpath, inet, cidr, macaddr, macaddr8, int4range, int8range, numrange, daterange, tsrange, tstzrange, int4multirange,
  tstzmultirange, bit(1), bit(128), point, line, lseg, box, path, polygon, circle, regclass, pg_lsn, xid, xid8,
  txid_snapshot, pg_snapshot, tid`.split(/,\s+/);
const plain =
  `text[], character varying[], character varying(20)[], character(3)[], integer[], bigint[], json[], jsonb[],
  uuid[]`.split(/,\s+/);
const withOldRows =
  `smallint[], oid[], real[], double precision[], boolean[], bytea[], inet[], cidr[], macaddr[], macaddr8[],
  int4range[], numrange[], daterange[], tsrange[], tstzrange[], bit(129), bit(50000)`.split(/,\s+/);
const never =
  `time with time zone, time(3) with time zone, bit varying, bit varying(8), int2vector, oidvector, bit(3)[],
  interval[], money[], xml[], point[], name[], bit varying[], numeric[], numeric(12,2)[], time without time zone[],
  time(3) with time zone[], date[], timestamp without time zone[], timestamp(3) with time zone[], box[], pg_lsn[],
  jsonpath[], tsvector[], "char"[], refcursor, pg_node_tree, information_schema.sql_identifier`.split(/,\s+/);

test.each(scalars)('carried: %s', (type) => {
  expect(carried({ type })).toEqual({ carried: true, form: type });
});

test.each(plain)('carried once the config says that arrays are plain: %s', (type) => {
  expect(carried({ type })).toEqual({ carried: true, form: type });
  expect(carried({ type, plainArrays: false, full: true })).toMatchObject({
    carried: false,
    remedy: expect.stringContaining('plainArrays: true'),
  });
});

test.each(withOldRows)('trap 03: carried only with whole old rows: %s', (type) => {
  expect(carried({ type })).toMatchObject({
    carried: false,
    remedy: expect.stringContaining('ALTER TABLE "shop"."t" REPLICA IDENTITY FULL'),
  });
  expect(carried({ type, full: true })).toEqual({ carried: true, form: type });
});

test.each(never)('never carried: %s', (type) => {
  expect(carried({ type, full: true })).toMatchObject({ carried: false, why: expect.any(String) });
});

test('a time is carried when the database itself keeps 24:00 out', () => {
  const type = 'time without time zone';
  expect(carried({ type })).toMatchObject({ remedy: expect.stringContaining(`ADD CHECK ("c" < '24:00')`) });
  expect(why({ type, checks: [`(c < '24:00:00'::time without time zone)`] })).toBe('carried');
  expect(
    why({ type, name: 'Opens at', checks: [`("Opens at" <> '24:00:00'::time without time zone)`] }),
  ).toBe('carried');
  const clock = { type: 's.clock', builtin: false, baseType: type, typeKind: 'domain' } as const;
  expect(why(clock)).toBe('24:00 arrives as 00:00');
  expect(
    why({ ...clock, checks: [`((c)::time without time zone < '24:00:00'::time without time zone)`] }),
  ).toBe('carried');
  for (const check of [
    `(d < '24:00:00'::time without time zone)`,
    `(c <= '24:00:00'::time without time zone)`,
  ])
    expect(why({ type, checks: [check] })).toBe('24:00 arrives as 00:00');
});

test('an interval is carried when it cannot be infinite', () => {
  for (const type of ['interval', 'interval(3)', 'interval year to month']) {
    expect(why({ type })).toBe('an infinite interval arrives as 0');
    expect(why({ type, checks: ['isfinite(c)'] })).toBe('carried');
    expect(why({ type, serverVersion: 160_010 })).toBe('carried');
  }
});

test('a type of the database is read as what it is made of', () => {
  const own = { builtin: false, full: true } as const;
  const form = (more: Partial<CarriedColumn>) => {
    const carriage = carried({ ...own, ...more });
    return carriage.carried ? carriage.form : undefined;
  };
  expect(form({ type: 's.mood', enumLabels: ['a'], typeKind: 'enum' })).toBe('text');
  expect(form({ type: 's.cents', baseType: 'bigint', typeKind: 'domain' })).toBe('bigint');
  expect(form({ type: 's.words', baseType: 'text[]', typeKind: 'domain' })).toBe('text[]');
  expect(form({ type: 's.pair', typeKind: 'composite' })).toBe('record');
  expect(form({ type: 's.floatrange', typeKind: 'range' })).toBe('record');
  expect(form({ type: 'public.citext' })).toBe('citext');
  expect(form({ type: 'public.citext[]' })).toBe('citext[]');
  expect(form({ type: 'ext.hstore' })).toBe('hstore');
  expect(form({ type: 'ext.ltree' })).toBe('ltree');
  for (const [type, typeKind] of [
    ['s.mood[]', 'enum'],
    ['s.cents[]', 'domain'],
    ['s.pair[]', 'composite'],
    ['public.geometry', 'base'],
    ['public.hstore[]', 'base'],
    ['public.vector', 'base'],
  ] as const)
    expect(form({ type, typeKind, enumLabels: typeKind === 'enum' ? ['a'] : null })).toBeUndefined();
});

test('trap 03: of a domain over an array nothing shows that it was left alone', () => {
  const words = { type: 's.words', builtin: false, baseType: 'text[]', typeKind: 'domain' } as const;
  expect(why({ ...words })).toContain('left alone');
  expect(why({ ...words, full: true })).toBe('carried');
});

test.each([
  ...scalars,
  ...plain,
  ...withOldRows,
  'time without time zone',
  'interval',
  'interval(3)',
  'interval year to month',
  'record',
  'citext',
  'citext[]',
  'hstore',
  'ltree',
])('what is carried can be read: %s', (type) => {
  // Of no type a value; a type that is not known says so.
  const wrong = { not: 'a value' };
  const read = () => cellOf(type.endsWith('[]') ? [wrong] : wrong, type);
  expect(read).toThrow('another form');
});
