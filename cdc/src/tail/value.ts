import { type Element, parseArray, quotedAt } from './array.ts';
import { javaNumber } from './java-number.ts';
import {
  isoDate,
  isoInterval,
  isoTime,
  isoTimestamp,
  isoTimestampWithZone,
  isoTimeWithZone,
} from './moment.ts';
import type { ColumnType } from './type.ts';

/** What a column's value is in JSON, as its source text, so that no digit is lost; undefined: Debezium leaves the field out. */
export type JsonText = string | undefined;

const quoted = (text: string) => JSON.stringify(text);
const hex = (text: string) => Buffer.from(text).toString('hex');
const special = new Set(['NaN', 'Infinity', '-Infinity']);
const numericNames: Readonly<Record<string, string>> = {
  NaN: 'NAN',
  Infinity: 'POSITIVE_INFINITY',
  '-Infinity': 'NEGATIVE_INFINITY',
};
const asIs = quoted;
const verbatim = (text: string) => text;

/** Built-in scalars by name; enums, domains over them, citext, ltree and hstore are found by their kind or name. */
const scalars: Readonly<Record<string, (text: string) => string>> = {
  int2: verbatim,
  int4: verbatim,
  int8: verbatim,
  oid: verbatim,
  bool: (text) => String(text === 't'),
  float4: float,
  float8: float,
  numeric: (text) => quoted(numericNames[text] ?? text),
  money: (text) => quoted(amount(text)),
  text: asIs,
  varchar: asIs,
  bpchar: asIs,
  char: asIs,
  name: asIs,
  citext: asIs,
  ltree: asIs,
  bytea: (text) => quoted(text.slice(2)),
  uuid: asIs,
  date: (text) => quoted(isoDate(text)),
  time: (text) => quoted(isoTime(text)),
  timetz: (text) => quoted(isoTimeWithZone(text)),
  timestamp: (text) => quoted(isoTimestamp(text)),
  timestamptz: (text) => quoted(isoTimestampWithZone(text)),
  interval: (text) => quoted(isoInterval(text)),
  json: asIs,
  jsonb: asIs,
  xml: asIs,
  tsvector: asIs,
  inet: asIs,
  cidr: asIs,
  macaddr: asIs,
  macaddr8: asIs,
  int4range: asIs,
  int8range: asIs,
  numrange: asIs,
  daterange: asIs,
  tsrange: asIs,
  tstzrange: asIs,
  hstore: (text) => quoted(hstoreJson(text)),
  bit: (text) => (text.length === 1 ? String(text === '1') : quoted(littleEndian(text))),
  varbit: (text) => quoted(littleEndian(text)),
  point,
  box: figure,
  lseg: figure,
  path: figure,
  polygon: figure,
  circle: figure,
  line: figure,
};

/** Arrays of these have no field there at all, or nothing in it. */
const fieldless = new Set(['interval', 'point', 'money', 'xml']);

/** A value in Debezium's JSON under the lossless modes (`npm run kafka:up` and the connectors of `serve cdc` use them). */
export function debeziumValue(text: string | null, type: ColumnType): JsonText {
  if (type.element) return arrayValue(text, type.element);
  if (text === null) return 'null';
  if (type.kind === 'enum') return quoted(text);
  const encode = scalars[type.name];
  // A type that Debezium does not know comes as bytes: the hex of its text.
  return encode ? encode(text) : quoted(hex(text));
}

function arrayValue(text: string | null, element: ColumnType): JsonText {
  if (fieldless.has(element.name)) return undefined;
  if (text === null || element.name === 'bit') return 'null';
  const elements = parseArray(text);
  if (element.name === 'numeric' && elements.some((each) => each === 'NaN')) return 'null';
  const encode = (each: Element): string => {
    if (each === null) return 'null';
    return typeof each === 'string'
      ? (debeziumValue(each, element) ?? 'null')
      : `[${each.map(encode).join(',')}]`;
  };
  return `[${elements.map(encode).join(',')}]`;
}

/** What stands for a value that the update left alone: the placeholder in the shape of the type (trap 3). */
export function debeziumUnchanged(type: ColumnType, placeholder: string): JsonText {
  const { element, name } = type;
  if (element === undefined)
    return name === 'varbit'
      ? 'null'
      : quoted(name === 'hstore' ? JSON.stringify({ [placeholder]: placeholder }) : placeholder);
  if (fieldless.has(element.name)) return undefined;
  if (['text', 'varchar', 'bpchar', 'citext'].includes(element.name)) return `[${quoted(placeholder)}]`;
  if (['int2', 'int4', 'int8'].includes(element.name)) return `[${[...Buffer.from(placeholder)].join(',')}]`;
  return 'null';
}

function float(text: string): string {
  return special.has(text) ? quoted(text) : javaNumber(text);
}

/** Money without its sign of currency and its groups: `-$1,234.50` is `-1234.50`. */
function amount(text: string): string {
  const digits = text.replaceAll(/[^\d.]/g, '');
  return /[-(]/.test(text) ? `-${digits}` : digits;
}

/** The last bit is the first of the first byte, in base64; zeros before the first one are not there. */
function littleEndian(bits: string): string {
  const value = BigInt(`0b0${bits}`).toString(16);
  if (value === '0') return '';
  const big = Buffer.from(value.length % 2 === 0 ? value : `0${value}`, 'hex');
  return big.reverse().toString('base64');
}

/** The driver knows these types and prints them itself; Debezium does not, and takes the text as bytes. */
function figure(text: string): string {
  return quoted(hex(text.replaceAll(/-?\d[\d.]*(e[+-]?\d+)?/g, javaNumber)));
}

/** `"a"=>"1", "b"=>NULL` as JSON. */
function hstoreJson(text: string): string {
  const pairs: string[] = [];
  for (let at = 0; at < text.length; ) {
    const [key, afterKey] = quotedAt(text, at);
    const valueAt = afterKey + 2;
    const isNull = text.startsWith('NULL', valueAt);
    const [value, end] = isNull ? [null, valueAt + 4] : quotedAt(text, valueAt);
    pairs.push(`${quoted(key)}:${JSON.stringify(value)}`);
    at = end + 2;
  }
  return `{${pairs.join(',')}}`;
}

function point(text: string): string {
  const [x = '', y = ''] = text.slice(1, -1).split(',');
  const wkb = Buffer.alloc(21);
  wkb.writeUInt8(1, 0);
  wkb.writeUInt32LE(1, 1);
  wkb.writeDoubleLE(Number(x), 5);
  wkb.writeDoubleLE(Number(y), 13);
  return `{"x":${float(x)},"y":${float(y)},"wkb":${quoted(wkb.toString('base64'))},"srid":null}`;
}
