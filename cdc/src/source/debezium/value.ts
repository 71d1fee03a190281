import { unavailableValue as placeholder } from '../../connect/connector-config.ts';
import { type Cell, unchanged } from '../change.ts';
import { MalformedMessage } from '../cursor.ts';
import type { Json } from './json.ts';

/** A column's type under its domains, as PostgreSQL's catalogue names it: `int8`, `_text`. */
export interface ValueType {
  readonly name: string;
  /** typmod: the number of bits of `bit(n)`. */
  readonly modifier: number;
}

/** Types that arrive as text PostgreSQL reads: strings, and numbers and booleans by their text. */
const plain = new Set(
  (
    'int2 int4 int8 bool oid money text varchar bpchar char name citext ltree uuid json jsonb xml tsvector inet cidr ' +
    'macaddr macaddr8 int4range int8range numrange daterange tsrange tstzrange enum'
  ).split(' '),
);
/** Types that Debezium does not know: the hex of their text. */
const hexOfText = new Set(
  (
    'jsonpath tsquery line lseg box path polygon circle int4multirange int8multirange nummultirange datemultirange ' +
    'tsmultirange tstzmultirange composite regclass pg_lsn xid xid8 txid_snapshot pg_snapshot tid'
  ).split(' '),
);
const special = new Set(
  'float4 float8 numeric bytea date timestamp timestamptz interval hstore bit point'.split(' '),
);
/** Element types of arrays of one dimension that arrive whole. */
const elements = new Set(
  'text varchar bpchar uuid bool int2 int4 int8 float4 float8 numeric date timestamp timestamptz bytea json jsonb inet enum int4range citext'.split(
    ' ',
  ),
);
/** Arrays whose placeholder can be told from a value; the others' needs REPLICA IDENTITY FULL. */
const told = new Set('text varchar bpchar int4 int8'.split(' '));

/** Whether Debezium carries the type: `full` only under REPLICA IDENTITY FULL, `never` loses or changes values (24:00 of a time, too). */
export function carried(type: string): 'always' | 'full' | 'never' {
  if (type.startsWith('_')) {
    if (!elements.has(type.slice(1))) return 'never';
    return told.has(type.slice(1)) ? 'always' : 'full';
  }
  return plain.has(type) || hexOfText.has(type) || special.has(type) ? 'always' : 'never';
}

/** The text that PostgreSQL would have printed for a value, or at least reads as the same. @throws MalformedMessage */
export function cellOf(value: Json | undefined, type: ValueType): Cell {
  if (value === undefined) throw new MalformedMessage(`a value of type ${type.name} was not sent`);
  if (value === null) return null;
  if (isUnchanged(value)) return unchanged;
  if (!type.name.startsWith('_')) return scalarText(value, type);
  if (!Array.isArray(value)) throw wrong(type);
  const element = { name: type.name.slice(1), modifier: type.modifier };
  return `{${value.map((each) => (each === null ? 'NULL' : quoted(scalarText(each, element)))).join(',')}}`;
}

function isUnchanged(value: Json): boolean {
  if (value === placeholder || value === placeholderHex) return true;
  if (Array.isArray(value))
    return value.length === 1
      ? value[0] === placeholder || value[0] === placeholderHex
      : value.length === placeholder.length && value.join() === placeholderBytes;
  return typeof value === 'object' && value !== null && value[placeholder] === placeholder;
}

const placeholderHex = Buffer.from(placeholder).toString('hex');
const placeholderBytes = [...Buffer.from(placeholder)].join();

function scalarText(value: Json, type: ValueType): string {
  if (type.name === 'point') return pointText(value, type);
  if (typeof value !== 'string') throw wrong(type);
  if (plain.has(type.name)) return value;
  if (hexOfText.has(type.name)) return hexBytes(value, type).toString('utf8');
  switch (type.name) {
    case 'float4':
    case 'float8':
      return value;
    case 'numeric':
      return numericText(value);
    case 'bytea':
      hexBytes(value, type);
      return `\\x${value}`;
    case 'date':
      return dateText(value, type);
    case 'timestamp':
      return timestampText(value, type);
    case 'timestamptz':
      return value === 'infinity' || value === '-infinity' ? value : timestamptzText(value, type);
    case 'interval':
      return value;
    case 'hstore':
      return hstoreText(value, type);
    case 'bit':
      return bitText(value, type);
    default:
      throw wrong(type);
  }
}

function numericText(value: string): string {
  if (value === 'NAN') return 'NaN';
  if (value === 'POSITIVE_INFINITY') return 'Infinity';
  if (value === 'NEGATIVE_INFINITY') return '-Infinity';
  return value;
}

function hexBytes(value: string, type: ValueType): Buffer {
  const bytes = Buffer.from(value, 'hex');
  if (bytes.length * 2 !== value.length) throw wrong(type);
  return bytes;
}

/** Days and moments outside of PostgreSQL's range that stand for the infinities. */
const endless: Readonly<Record<string, string>> = {
  '-5877611-06-21Z': 'infinity',
  '-5877611-06-22Z': '-infinity',
  '+294247-01-10T04:00:25.2Z': 'infinity',
  '-290308-12-21T19:59:27.6Z': '-infinity',
};

function dateText(value: string, type: ValueType): string {
  const sentinel = endless[value];
  if (sentinel) return sentinel;
  const match = /^([+-]?\d{4,})-(\d\d)-(\d\d)Z$/.exec(value);
  if (!match) throw wrong(type);
  const [, year = '', month = '', day = ''] = match;
  return dated(year, `-${month}-${day}`);
}

function timestampText(value: string, type: ValueType): string {
  const sentinel = endless[value];
  if (sentinel) return sentinel;
  const { year, rest } = moment(value, type);
  return dated(year, rest);
}

function timestamptzText(value: string, type: ValueType): string {
  const { year, rest } = moment(value, type);
  return dated(year, `${rest}+00`);
}

function moment(value: string, type: ValueType): { year: string; rest: string } {
  const match = /^([+-]?\d{4,})(-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)Z$/.exec(value);
  if (!match) throw wrong(type);
  const [, year = '', day = '', time = ''] = match;
  return { year, rest: `${day} ${time}` };
}

/** ISO counts years astronomically: 0 is 1 BC. */
function dated(year: string, rest: string): string {
  const number = Number(year);
  if (number > 0) return `${String(number).padStart(4, '0')}${rest}`;
  return `${String(1 - number).padStart(4, '0')}${rest} BC`;
}

/** Debezium sends hstore as JSON text. */
function hstoreText(value: string, type: ValueType): string {
  const pairs: unknown = JSON.parse(value);
  if (typeof pairs !== 'object' || pairs === null || Array.isArray(pairs)) throw wrong(type);
  const quote = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return Object.entries(pairs)
    .map(([key, each]) => `${quote(key)}=>${each === null ? 'NULL' : quote(String(each))}`)
    .join(',');
}

/** A single bit is a boolean; more are bytes in base64, the last bit first. */
function bitText(value: string, type: ValueType): string {
  if (value === 'true' || value === 'false') return value === 'true' ? '1' : '0';
  const bytes = Buffer.from(value, 'base64');
  if (type.modifier < 1) throw wrong(type);
  let text = '';
  for (let bit = type.modifier - 1; bit >= 0; bit -= 1)
    text += ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1 ? '1' : '0';
  return text;
}

function pointText(value: Json, type: ValueType): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(type);
  const { x, y } = value;
  if (typeof x !== 'string' || typeof y !== 'string') throw wrong(type);
  return `(${x},${y})`;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function wrong(type: ValueType): MalformedMessage {
  return new MalformedMessage(`a value of type ${type.name} in another form than Debezium 3.6 sends`);
}
