import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { engineReads, entriesOf, written } from '../../../test/json.ts';
import { isObject, type Json } from './json.ts';
import { jsonText } from './json-reader.ts';
import { type DebeziumRecord, RecordReader, type Row, rowOf } from './record.ts';

function read(reader: RecordReader, text: string): DebeziumRecord {
  // Others lie before and behind it.
  const bytes = Buffer.from(`"é"${text}{"x":1}`);
  const start = Buffer.byteLength('"é"');
  return reader.read(jsonText(bytes), start, start + Buffer.byteLength(text));
}

/** What of a record is asked for, said simply. */
function needed(value: Json) {
  const of = (from: Json | undefined, name: string) => (isObject(from) ? (from[name] ?? null) : null);
  const source = of(value, 'source');
  return {
    before: rowOf(of(value, 'before')),
    after: rowOf(of(value, 'after')),
    source: isObject(source)
      ? {
          schema: of(source, 'schema'),
          table: of(source, 'table'),
          txId: of(source, 'txId'),
          lsn: of(source, 'lsn'),
          origin: of(source, 'origin'),
        }
      : null,
    inTransaction: isObject(of(value, 'transaction')),
    op: of(value, 'op'),
    message: of(value, 'message'),
    status: of(value, 'status'),
    id: of(value, 'id'),
    ts_ms: of(value, 'ts_ms'),
    event_count: of(value, 'event_count'),
    strangler_last: of(value, 'strangler_last'),
  };
}

/** Comparable also where values have names like `__proto__`. */
function plain(record: DebeziumRecord | ReturnType<typeof needed>) {
  const row = (of: Row | null) => of && { names: of.names, values: of.values.map(entriesOf) };
  return {
    ...record,
    source: record.source && { ...record.source },
    before: row(record.before),
    after: row(record.after),
    message: entriesOf(record.message),
  };
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

describe('the reader of records', () => {
  test('reads what the engine reads, whatever records came before', () => {
    fc.assert(
      fc.property(
        fc.array(records, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('', '', ' ', '\n\t'),
        (all, blank) => {
          const reader = new RecordReader();
          for (const record of all) {
            const text = written(record, blank);
            expect(plain(read(reader, text))).toEqual(plain(needed(engineReads(text))));
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('rows with the same names share their list, also when other rows come in between', () => {
    const reader = new RecordReader();
    const namesOf = (text: string) => read(reader, `{"after":${text}}`).after?.names;
    const [first, other] = ['{"id":1,"a":2}', '{"id":1,"b":2,"c":3}'];
    const names = namesOf(first);
    expect(names).toEqual(['id', 'a']);
    expect(namesOf(other)).toEqual(['id', 'b', 'c']);
    for (const shorter of ['{"id":1}', '{}', other]) namesOf(shorter);
    expect(namesOf('{"id":2,"a":"é"}')).toBe(names);
  });

  test('refuses what the engine refuses, also where nobody asks for it', () => {
    const reader = new RecordReader();
    for (const text of [
      '',
      '{',
      '{"op":[1,]}',
      '{"op"}',
      '{"op":"x',
      '{"op":1} 2',
      '{"op":1,}',
      '{op:1}',
      '{"ts_us":}',
      '{"data_collections":[,]}',
      '{"transaction":{"id":}}',
      '{"transaction":{id:1}}',
      '{"source":{"db":}}',
      '{"after":{"id":}}',
    ]) {
      expect(() => JSON.parse(text), text).toThrow(SyntaxError);
      expect(() => read(reader, text), text).toThrow(SyntaxError);
    }
    expect(() => read(reader, '"a text"')).toThrow(/no object/);
    for (const name of ['message', 'ts_us', 'after', 'source'])
      expect(() => read(reader, `{"${name}":${'{"a":'.repeat(10_000)}`)).toThrow(SyntaxError);
  });

  test('keeps every digit', () => {
    const text =
      '{"after":{"a":9007199254740993,"b":-9223372036854775808,"c":123456789012345,"d":-123456789012345,"e":1.50}}';
    expect(read(new RecordReader(), text).after?.values).toEqual([
      9007199254740993n,
      -9223372036854775808n,
      123456789012345,
      -123456789012345n,
      1.5,
    ]);
  });
});
