import { createHash } from 'node:crypto';
import { type Cell, unchanged } from '../change.ts';
import { isObject, type Json } from './json.ts';
import { parseJson } from './json-reader.ts';

/** What Debezium sends for a large value that an update left alone: no text that anybody stores. */
export const placeholder = '\u0001strangler-unchanged-5f0c6a1e\u0001';
const placeholderHex = Buffer.from(placeholder).toString('hex');
const placeholderUuid = uuidOf(placeholder);
const placeholderHstore = JSON.stringify({ [placeholder]: placeholder });

/** A value that cannot be given back as PostgreSQL printed it. */
export class UnreadableValue extends Error {
  constructor(type: string, why: string) {
    super(`a value of type ${type} cannot be read: ${why}`);
    this.name = 'UnreadableValue';
  }
}

type Convert = (value: Json, type: string) => string;

const numbers = /^(smallint|integer|bigint|oid|real|double precision|numeric|decimal|money)/;
const texts =
  /^(text|character|bpchar|"char"|name|uuid|json|jsonb|xml|tsvector|inet|cidr|macaddr8?|citext|ltree|int[48]range|numrange|daterange|ts(tz)?range)\b|^"char"$/;
/** Types that the connector does not know: the text of the value, in hex. */
const hexTexts =
  /^(jsonpath|tsquery|line|lseg|box|path|polygon|circle|\w+multirange|regclass|pg_lsn|xid8?|txid_snapshot|pg_snapshot|tid|record)$/;

/** A column's value as PostgreSQL reads it. @throws UnreadableValue */
export function cellOf(value: Json, type: string): Cell {
  if (value === null) return null;
  if (isPlaceholder(value)) return unchanged;
  const convert = knownConverter(type);
  if (!convert) throw new UnreadableValue(type, 'its form is not known');
  return convert(value, type);
}

const converters = new Map<string, Convert | undefined>();

/** The converter is asked for with every value, and a type's stays the same. */
function knownConverter(type: string): Convert | undefined {
  const known = converters.get(type);
  if (known) return known;
  const found = converterOf(type);
  converters.set(type, found);
  return found;
}

function isPlaceholder(value: Json): boolean {
  if (typeof value === 'string')
    return value === placeholder || value === placeholderHex || value === placeholderHstore;
  if (Array.isArray(value)) {
    if (value.length === 1)
      return value[0] === placeholder || value[0] === placeholderHex || value[0] === placeholderUuid;
    return (
      value.length === placeholder.length && value.every((each, at) => each === placeholder.charCodeAt(at))
    );
  }
  return false;
}

/** The UUID that Java makes of a text. */
function uuidOf(text: string): string {
  const bytes = createHash('md5').update(text).digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x30, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function converterOf(type: string): Convert | undefined {
  if (type.endsWith('[]')) return arrayText;
  if (/^numeric\(\d+,-\d+\)$/.test(type)) return (value) => numberText(value, type).replace(/\.0+$/, '');
  if (type === 'hstore') return hstoreText;
  if (numbers.test(type)) return numberText;
  if (type === 'boolean') return (value) => (typeof value === 'boolean' ? (value ? 't' : 'f') : wrong(type));
  if (texts.test(type)) return stringText;
  if (type === 'bytea') return (value) => `\\x${hexOf(value, type)}`;
  if (type === 'date') return dateText;
  if (/^time(\(\d\))? without/.test(type)) return (value) => stringText(value, type).replace(/Z$/, '');
  if (/^timestamp/.test(type)) return timestampText;
  if (/^interval/.test(type)) return stringText;
  if (/^bit(\(\d+\))?$/.test(type)) return bitText;
  if (type === 'point') return pointText;
  if (hexTexts.test(type)) return (value) => Buffer.from(hexOf(value, type), 'hex').toString('utf8');
  return undefined;
}

/** Elements of which an array of more dimensions arrives as an array of nulls; all others arrive as Java's names of arrays. */
const nulled = /^(smallint|integer|bigint|oid|real|double precision|boolean|bytea|citext)$/;
const javaName = /^\[+(L[\w.$]+;|[A-Z])@[0-9a-f]+$/;

function arrayText(value: Json, type: string): string {
  const element = type.slice(0, -2);
  const convert = knownConverter(element);
  if (!convert || !Array.isArray(value))
    throw new UnreadableValue(type, 'the form of its array is not known');
  const lost = (each: Json) =>
    each === null ? nulled.test(element) : typeof each === 'string' && javaName.test(each);
  if (value.length > 0 && value.every(lost))
    throw new UnreadableValue(
      type,
      'it has more than one dimension, or nothing but NULLs, which looks the same',
    );
  const cells = value.map((each: Json) =>
    each === null ? 'NULL' : `"${convert(each, element).replaceAll(/["\\]/g, '\\$&')}"`,
  );
  return `{${cells.join(',')}}`;
}

function hstoreText(value: Json, type: string): string {
  const pairs = parseJson(stringText(value, type));
  if (!isObject(pairs)) return wrong(type);
  const quoted = (text: Json) => `"${stringText(text, type).replaceAll(/["\\]/g, '\\$&')}"`;
  return Object.entries(pairs)
    .map(([key, each]) => `${quoted(key)}=>${each === null ? 'NULL' : quoted(each)}`)
    .join(', ');
}

function numberText(value: Json, type: string): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  switch (value) {
    case 'NAN':
      return 'NaN';
    case 'POSITIVE_INFINITY':
      return 'Infinity';
    case 'NEGATIVE_INFINITY':
      return '-Infinity';
    default:
      return stringText(value, type);
  }
}

function stringText(value: Json, type: string): string {
  return typeof value === 'string' ? value : wrong(type);
}

function hexOf(value: Json, type: string): string {
  const text = stringText(value, type);
  return /^([0-9a-f]{2})*$/i.test(text) ? text : wrong(type);
}

function dateText(value: Json, type: string): string {
  const text = stringText(value, type);
  if (text === '-5877611-06-21Z') return 'infinity';
  if (text === '-5877611-06-22Z') return '-infinity';
  return eraText(text, type, '');
}

function timestampText(value: Json, type: string): string {
  const text = stringText(value, type);
  if (text === 'infinity' || text === '-infinity') return text;
  if (text === '+294247-01-10T04:00:25.2Z') return 'infinity';
  if (text === '-290308-12-21T19:59:27.6Z') return '-infinity';
  return eraText(text, type, type.includes('with time zone') ? '+00' : '');
}

/** After Christ, and before the year 10000. */
const usualMoment = /^(?!0000)\d{4}-\d\d-\d\d(?:T[\d:.]+)?Z$/;

/** ISO's astronomical years (0 is 1 BC) in PostgreSQL's words. */
function eraText(text: string, type: string, zone: string): string {
  if (usualMoment.test(text)) {
    const time = text.length > 11 ? ` ${text.slice(11, -1)}` : '';
    return `${text.slice(0, 10)}${time}${zone}`;
  }
  const [, sign, year, rest] = /^([+-]?)(\d{4,})(-\d\d-\d\d(?:T[\d:.]+)?)Z?$/.exec(text) ?? [];
  if (year === undefined || rest === undefined) return wrong(type);
  const astronomical = sign === '-' ? -Number(year) : Number(year);
  const shown = astronomical > 0 ? astronomical : 1 - astronomical;
  return `${String(shown).padStart(4, '0')}${rest.replace('T', ' ')}${zone}${astronomical > 0 ? '' : ' BC'}`;
}

function bitText(value: Json, type: string): string {
  const bits = Number(/\d+/.exec(type)?.[0] ?? 1);
  if (typeof value === 'boolean' && bits === 1) return value ? '1' : '0';
  const bytes = Buffer.from(stringText(value, type), 'base64');
  let text = '';
  for (let bit = bits - 1; bit >= 0; bit -= 1) text += ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
  return text;
}

function pointText(value: Json, type: string): string {
  if (!isObject(value)) return wrong(type);
  return `(${numberText(value['x'] ?? null, type)},${numberText(value['y'] ?? null, type)})`;
}

function wrong(type: string): never {
  throw new UnreadableValue(type, 'it arrived in another form than Debezium gives it');
}
