import { ident } from '@strangler/postgres';
import type { ColumnFacts, TableFacts } from '../../catalog/index.ts';

/** What is asked of a column before its stream goes through Debezium; the facts are the SOURCE side's. */
export interface CarriedColumn
  extends Pick<ColumnFacts, 'name' | 'type' | 'builtin' | 'baseType' | 'enumLabels' | 'typeKind' | 'checks'>,
    Pick<TableFacts, 'serverVersion'> {
  /** The column's table, qualified and quoted. */
  readonly table: string;
  /** Whether the table has REPLICA IDENTITY FULL, and each of its partitions, too. */
  readonly full: boolean;
  /** The config's word that no array has more than one dimension, or a lower bound other than 1. */
  readonly plainArrays: boolean;
}

/** Whether Debezium carries a column without loss; `form` is the type by which `cellOf` reads its values. */
export type Carriage =
  | { readonly carried: true; readonly form: string }
  | { readonly carried: false; readonly why: string; readonly remedy: string };

/** Whether every old row of the table is logged whole, wherever it lies. */
export function alwaysFull({ replicaIdentity, kind, children }: TableFacts): boolean {
  const rows = children.filter((each) => each.kind === 'table');
  return (kind === 'partitioned' || replicaIdentity === 'full') && rows.every((each) => each.full);
}

const leave = "Leave the column behind with `omit: true`, or keep the extraction on the engine 'embedded'.";

/**
 * Decides by the type, so that no value can be met later that arrives as another, or as none: Debezium turns a value
 * that it cannot convert into NULL, and goes on. Two types have single values that it changes, which a CHECK
 * constraint of the database's own can exclude: 24:00 of `time` arrives as 00:00, and the infinite `interval` of
 * PostgreSQL 17 and later as 0. What no type tells, arrays of more dimensions, the config must promise; one that is met
 * all the same stops the stream. One instant is told by nothing: the `timestamp` 294247-01-10 04:00:25.2 arrives as
 * `infinity` does, and is read as that. A value that cannot be read at all, as an interval of more than 2,147,483,647
 * hours, fails the connector.
 */
export function carriedByDebezium(column: CarriedColumn): Carriage {
  const form = formOf(column);
  if (form === undefined) return refused('its form is not known');
  const lost = whyLost(form);
  if (lost !== undefined) return refused(lost);
  const unchecked = uncheckedValue(column, form);
  if (unchecked) return unchecked;
  if (form.endsWith('[]') && !column.plainArrays)
    return refused(
      'an array of more than one dimension arrives without its values, and lower bounds are lost',
      `If all arrays of the extraction are plain, say so with \`plainArrays: true\` in the config. ${leave}`,
    );
  if (!column.full && vanishesWhenUnchanged(column, form))
    return refused(
      'a large value that an update left alone arrives as NULL',
      `ALTER TABLE ${column.table} REPLICA IDENTITY FULL (of a partitioned table: each partition). Or: ${leave}`,
    );
  return { carried: true, form };
}

function refused(why: string, remedy = leave): Carriage {
  return { carried: false, why, remedy };
}

/** The type under domains and beside schemas: `shop.cents` is a bigint, `public.citext` is citext. */
function formOf({ type, builtin, baseType, enumLabels, typeKind }: CarriedColumn): string | undefined {
  const array = type.endsWith('[]');
  if (enumLabels !== null) return array ? 'enum[]' : 'text';
  if (builtin) return type;
  if (typeKind === 'domain') return array ? undefined : (baseType ?? undefined);
  if (typeKind !== 'base') return array ? undefined : 'record';
  return /(?:^|\.)(citext(\[\])?|hstore|ltree)$/.exec(type)?.[1];
}

/** How a type's values are lost; undefined when all of them arrive. */
function whyLost(form: string): string | undefined {
  if (!form.endsWith('[]'))
    return scalars.test(form) ? undefined : (lostScalars[wordOf(form)] ?? 'its form is not known');
  const element = form.slice(0, -2);
  if (arrays.test(element)) return undefined;
  return lostArrays[wordOf(element)] ?? 'the form of its arrays is not known';
}

/** A type without its modifiers. */
function wordOf(type: string): string {
  return type.replace(/\(\d+(,-?\d+)?\)/, '').replace(/^interval.*/, 'interval');
}

/** The refusal of a type of which one value is changed, unless the database cannot hold that value. */
function uncheckedValue(column: CarriedColumn, form: string): Carriage | undefined {
  const { name, table, checks, serverVersion } = column;
  const type = wordOf(form);
  // As PostgreSQL prints the column, quoted if its name needs it; of a domain, with its base type.
  const shown = [name, ident(name)].flatMap((each) => [each, `(${each})::${type}`]);
  const has = (check: (column: string) => string) => shown.some((each) => checks.includes(check(each)));
  const add = (check: string) => `ALTER TABLE ${table} ADD CHECK (${check}), if that is so. Or: ${leave}`;
  if (type === 'time without time zone') {
    const bounded = ['<', '<>'].some((sign) =>
      has((each) => `(${each} ${sign} '24:00:00'::time without time zone)`),
    );
    return bounded ? undefined : refused('24:00 arrives as 00:00', add(`${ident(name)} < '24:00'`));
  }
  if (type === 'interval' && serverVersion >= infiniteIntervals && !has((each) => `isfinite(${each})`))
    return refused('an infinite interval arrives as 0', add(`isfinite(${ident(name)})`));
  return undefined;
}

/** The first server_version_num with them. */
const infiniteIntervals = 170_000;

const lostScalars: Readonly<Record<string, string>> = {
  'time with time zone': 'its zone is lost',
  'bit varying': 'its length is lost',
  int2vector: 'its values are lost',
  oidvector: 'its values are lost',
};

const juliansLoss = 'in arrays, days before 1582 are shifted, and BC or infinity is lost';
const lostArrays: Readonly<Record<string, string>> = {
  bit: 'its arrays arrive as NULL',
  interval: 'its arrays do not arrive',
  money: 'its arrays do not arrive',
  xml: 'its arrays do not arrive',
  point: 'its arrays do not arrive',
  name: 'its arrays do not arrive',
  'bit varying': 'its arrays do not arrive',
  numeric: 'an array that holds NaN or infinity arrives as NULL',
  enum: 'an array that holds a NULL arrives as NULL',
  'time without time zone': 'its microseconds are lost in arrays',
  'time with time zone': 'its zone is lost',
  date: juliansLoss,
  'timestamp without time zone': juliansLoss,
  'timestamp with time zone': juliansLoss,
};

const scalars = new RegExp(
  `^(${[
    'smallint|integer|bigint|oid|real|double precision|numeric(\\(\\d+,-?\\d+\\))?|money|boolean|bytea|uuid|"char"|name',
    'text|character varying(\\(\\d+\\))?|character(\\(\\d+\\))?|bpchar|citext|ltree|hstore|jsonb?|xml|tsvector|tsquery|jsonpath',
    'date|time(\\(\\d\\))? without time zone|timestamp(\\(\\d\\))? with(out)? time zone|interval.*|bit(\\(\\d+\\))?',
    'inet|cidr|macaddr8?|int[48]range|numrange|daterange|tsrange|tstzrange|(int[48]|num|date|ts|tstz)multirange',
    'point|line|lseg|box|path|polygon|circle|regclass|pg_lsn|xid8?|txid_snapshot|pg_snapshot|tid|record',
  ].join('|')})$`,
);

const arrays = new RegExp(
  `^(${[
    'smallint|integer|bigint|oid|real|double precision|boolean|bytea|uuid|text|citext',
    'character varying(\\(\\d+\\))?|character(\\(\\d+\\))?|jsonb?|inet|cidr|macaddr8?',
    'int[48]range|numrange|daterange|tsrange|tstzrange',
  ].join('|')})$`,
);

/** Of which an unchanged large value arrives in a form of its own that no value has (trap 3). */
const recognised = /^(text|character varying(\(\d+\))?|character(\(\d+\))?|integer|bigint|jsonb?|uuid)\[\]$/;

/** Values that are never stored apart, and those whose absence is seen, need no old row. */
function vanishesWhenUnchanged({ typeKind }: CarriedColumn, form: string): boolean {
  // Of a domain over an array, not even those are.
  if (form.endsWith('[]')) return typeKind === 'domain' || !recognised.test(form);
  // What takes up to 24 bytes stays in its row: eight of them are not the bits.
  const bits = /^bit\((\d+)\)$/.exec(form)?.[1];
  return bits !== undefined && Number(bits) > 128;
}
