import type { ColumnFacts, TableFacts } from '../../catalog/index.ts';

/** What is asked of a column before its stream goes through Debezium; the facts are the SOURCE side's. */
export interface CarriedColumn
  extends Pick<ColumnFacts, 'type' | 'builtin' | 'baseType' | 'enumLabels' | 'typeKind'> {
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
 * Decides by the type alone, so that no value can be met later that arrives as another, or as none: Debezium turns a
 * value that it cannot convert into NULL (or into an empty one where the column is NOT NULL), and goes on. What the
 * type cannot tell, arrays of more dimensions, the config must promise; one that is met all the same stops the stream.
 */
export function carriedByDebezium(column: CarriedColumn): Carriage {
  const form = formOf(column);
  if (form === undefined) return refused('its form is not known');
  const lost = whyLost(form);
  if (lost !== undefined) return refused(lost);
  const array = form.endsWith('[]');
  if (array && !column.plainArrays)
    return refused(
      'an array of more than one dimension arrives without its values, and lower bounds are lost',
      `If all arrays of the extraction are plain, say so with \`plainArrays: true\` in the config. ${leave}`,
    );
  if (!column.full && vanishesWhenUnchanged(form))
    return refused(
      'a large value that an update left alone arrives as NULL',
      `ALTER TABLE ${column.table} REPLICA IDENTITY FULL. Or: ${leave}`,
    );
  return { carried: true, form };
}

function refused(why: string, remedy = leave): Carriage {
  return { carried: false, why, remedy };
}

/** The type under domains and beside schemas: `shop.cents` is a bigint, `public.citext` is citext. */
function formOf({ type, builtin, baseType, enumLabels, typeKind }: CarriedColumn): string | undefined {
  const array = type.endsWith('[]');
  if (enumLabels !== null) return array ? 'text[]' : 'text';
  if (builtin) return type;
  if (typeKind === 'domain') return array ? undefined : (baseType ?? undefined);
  if (typeKind !== 'base') return array ? undefined : 'record';
  const name = /(?:^|\.)(citext|hstore|ltree)$/.exec(type)?.[1];
  return name;
}

/** How a type's values are lost; undefined when all of them arrive. */
function whyLost(form: string): string | undefined {
  const element = form.endsWith('[]') ? form.slice(0, -2) : undefined;
  if (element !== undefined)
    return arrays.test(element)
      ? undefined
      : (lostArrays[wordOf(element)] ?? 'the form of its arrays is not known');
  return scalars.test(form) ? undefined : (lostScalars[wordOf(form)] ?? 'its form is not known');
}

/** A type without its modifiers. */
function wordOf(type: string): string {
  return type.replace(/\(\d+(,-?\d+)?\)/, '');
}

const lostScalars: Readonly<Record<string, string>> = {
  'time without time zone': '24:00 arrives as 00:00',
  'time with time zone': 'its zone is lost',
  'bit varying': 'its length is lost',
  int2vector: 'its values are lost',
  oidvector: 'its values are lost',
};

const lostArrays: Readonly<Record<string, string>> = {
  bit: 'its arrays arrive as NULL',
  interval: 'its arrays do not arrive',
  money: 'its arrays do not arrive',
  xml: 'its arrays do not arrive',
  point: 'its arrays do not arrive',
  name: 'its arrays do not arrive',
  numeric: 'an array that holds NaN arrives as NULL',
  'time without time zone': 'its microseconds are lost in arrays',
  'time with time zone': 'its zone is lost',
  'bit varying': 'its length is lost',
};

const scalars = new RegExp(
  `^(${[
    'smallint|integer|bigint|oid|real|double precision|numeric(\\(\\d+,-?\\d+\\))?|money|boolean|bytea|uuid|"char"|name',
    'text|character varying(\\(\\d+\\))?|character(\\(\\d+\\))?|bpchar|citext|ltree|hstore|jsonb?|xml|tsvector|tsquery|jsonpath',
    'date|timestamp(\\(\\d\\))? with(out)? time zone|interval.*|bit(\\(\\d+\\))?',
    'inet|cidr|macaddr8?|int[48]range|numrange|daterange|tsrange|tstzrange|\\w+multirange',
    'point|line|lseg|box|path|polygon|circle|regclass|pg_lsn|xid8?|txid_snapshot|pg_snapshot|tid|record',
  ].join('|')})$`,
);

const arrays =
  /^(smallint|integer|bigint|oid|real|double precision|boolean|text|character varying(\(\d+\))?|character(\(\d+\))?|uuid|jsonb?|inet|cidr|macaddr8?|int[48]range|numrange|daterange|tsrange|tstzrange|bytea|date|timestamp(\(\d\))? with(out)? time zone)$/;

/** Of which an unchanged large value arrives in a form of its own that no value has (trap 3). */
const recognised = /^(text|character varying(\(\d+\))?|integer|bigint)\[\]$/;

/** Types that are never stored apart, and those whose absence is seen, need no old row. */
function vanishesWhenUnchanged(form: string): boolean {
  if (form.endsWith('[]')) return !recognised.test(form);
  // A value of up to 24 bytes is never stored apart: eight of them are not the bits.
  const bits = /^bit\((\d+)\)$/.exec(form)?.[1];
  return bits !== undefined && Number(bits) > 128;
}
