import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isObject, type Json, type JsonObject } from './json.ts';
import { parseJson, RecordParser } from './record.ts';

/** What the engine's own parser reads, with whole numbers of more than 15 characters as bigints. */
function engineReads(text: string): Json {
  return JSON.parse(text, (_: string, value: Json, context?: { source?: string }) => {
    const source = context?.source;
    return typeof value === 'number' &&
      source !== undefined &&
      /^-?\d{15,}$/.test(source) &&
      source.length > 15
      ? BigInt(source)
      : value;
  });
}

/** What of a record is asked for, said simply. */
function needed(value: Json): Json {
  if (!isObject(value)) return value;
  const { ts_us: _1, ts_ns: _2, data_collections: _3, ...rest } = value;
  const { source, transaction } = rest;
  const bare: Record<string, Json> = Object.assign(Object.create(null), rest);
  if (isObject(source)) bare['source'] = sourceOf(source);
  if (isObject(transaction)) bare['transaction'] = Object.create(null);
  return bare;
}

function sourceOf(source: JsonObject): JsonObject {
  const wanted = ['schema', 'table', 'txId', 'lsn', 'origin'];
  return Object.fromEntries(Object.entries(source).filter(([key]) => wanted.includes(key)));
}

const names = fc.constantFrom(
  'id',
  'source',
  'op',
  'lsn',
  '__proto__',
  'constructor',
  'ts_us',
  'a "q" \\ {',
  '',
);
const scalars = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', 'a', 'é', '\n') }),
  fc.constantFrom(null, true, false, 0, -0, 1.5, -1e-45, 1e300, 123456789012345),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
);
const rows = fc.oneof(
  fc.constant(null),
  fc.dictionary(fc.oneof(names, fc.string()), scalars, { maxKeys: 6 }),
);
const source = fc.record(
  {
    version: fc.constant('3.6.0.Final'),
    name: fc.string(),
    ts_ms: fc.nat(),
    sequence: fc.oneof(fc.constant(null), fc.constant('["1","2"]')),
    schema: fc.string(),
    ts_ns: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    table: fc.string(),
    txId: fc.oneof(fc.constant(null), fc.nat()),
    lsn: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    xmin: fc.constant(null),
    origin: fc.oneof(fc.constant(null), fc.string()),
  },
  { requiredKeys: [] },
);
const records = fc.oneof(
  fc.record(
    {
      before: rows,
      after: rows,
      source: fc.oneof(source, rows, scalars),
      transaction: fc.oneof(rows, scalars),
      op: fc.constantFrom('c', 'u', 'd'),
      ts_ms: fc.nat(),
      ts_us: fc.bigInt(),
      ts_ns: fc.bigInt(),
    },
    { requiredKeys: [] },
  ),
  fc.record({
    status: fc.constantFrom('BEGIN', 'END'),
    id: fc.string(),
    data_collections: rows,
    ts_ms: fc.nat(),
  }),
  fc.dictionary(names, fc.oneof(scalars, rows, fc.array(fc.oneof(scalars, rows)))),
);

/** JSON in which big integers are written out, with blanks here and there. */
function written(value: unknown, blank: string): string {
  if (typeof value === 'bigint') return value.toString();
  if (Object.is(value, -0)) return '-0';
  if (Array.isArray(value))
    return `[${blank}${value.map((each) => written(each, blank)).join(`${blank},${blank}`)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}${blank}:${blank}${written(each, blank)}`,
  );
  return `{${blank}${members.join(`${blank},${blank}`)}${blank}}`;
}

describe('the parser of records', () => {
  test('reads what the engine reads, whatever records came before', () => {
    fc.assert(
      fc.property(
        fc.array(records, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('', '', ' ', '\n\t'),
        (all, blank) => {
          const parser = new RecordParser();
          for (const record of all) {
            const text = written(record, blank);
            expect(entriesOf(parser.parse(text))).toEqual(entriesOf(needed(engineReads(text))));
            expect(entriesOf(parseJson(text))).toEqual(entriesOf(engineReads(text)));
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('reads any JSON, and refuses what the engine refuses', () => {
    const parser = new RecordParser();
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify({ anything: value });
        expect(entriesOf(parser.parse(text))).toEqual(entriesOf(engineReads(text)));
        expect(entriesOf(parseJson(JSON.stringify(value)))).toEqual(
          entriesOf(engineReads(JSON.stringify(value))),
        );
      }),
    );
    for (const text of [
      '',
      '{',
      '{"a":[1,]}',
      '{"a"}',
      '{"a":"x',
      '{"a":01}',
      '{"a":nul}',
      '{"a":1} 2',
      '{"a":-}',
      '{"a":1.}',
      '{"a":1,}',
      '{a:1}',
      '{"ts_us":}',
      '{"data_collections":[,]}',
      '{"transaction":{"id":}}',
      '{"transaction":{id:1}}',
    ]) {
      expect(() => JSON.parse(text), text).toThrow(SyntaxError);
      expect(() => parser.parse(text), text).toThrow(SyntaxError);
    }
    expect(() => parser.parse('{"a":'.repeat(10_000))).toThrow(SyntaxError);
    expect(() => parser.parse(`{"ts_us":${'['.repeat(10_000)}`)).toThrow(SyntaxError);
  });

  test('keeps every digit', () => {
    const text =
      '{"after":{"a":9007199254740993,"b":-9223372036854775808,"c":123456789012345,"d":-123456789012345,"e":1.50}}';
    expect(entriesOf(new RecordParser().parse(text))).toEqual(entriesOf(engineReads(text)));
    expect(new RecordParser().parse(text)).toMatchObject({
      after: { a: 9007199254740993n, b: -9223372036854775808n },
    });
  });
});

/** Objects as lists of what they have themselves, so that a name like `__proto__` is compared, too. */
function entriesOf(value: Json): unknown {
  if (Array.isArray(value)) return value.map(entriesOf);
  if (!isObject(value)) return value;
  return { members: Object.entries(value).map(([key, each]) => [key, entriesOf(each)]) };
}
