import { lsn } from '@strangler/postgres';
import { describe, expect, test } from 'vitest';
import { unavailableValue } from '../../connect/connector-config.ts';
import { unchanged } from '../change.ts';
import { MalformedMessage } from '../cursor.ts';
import { type Json, parseJson } from './json.ts';
import { DebeziumTranslator } from './translate.ts';
import { carried, cellOf } from './value.ts';

const cell = (type: string, value: Json, modifier = -1) => cellOf(value, { name: type, modifier });

describe('JSON with the text of its scalars', () => {
  test('numbers stay as they were sent', () => {
    expect({
      ...Object(parseJson('{"a": 9007199254740993, "b":[-9223372036854775808,1.50,1e5,true,null]}')),
    }).toEqual({
      a: '9007199254740993',
      b: ['-9223372036854775808', '1.50', '1e5', 'true', null],
    });
  });

  test('strings agree with JSON.parse', () => {
    for (const text of ['', 'a"b', '\\', '\\"', 'ü\u2028\n', '\\\\"', '{"x":[1]}'])
      expect(parseJson(JSON.stringify([text, text]))).toEqual([text, text]);
  });

  test('what is no JSON, or nested without end, is refused', () => {
    const wrong = [
      '',
      '{',
      '{"a"}',
      '[1,]',
      '01',
      '{"a":1}x',
      '"\\x"',
      '"abc',
      'nul',
      '[1 2]',
      '['.repeat(100),
    ];
    for (const text of wrong) expect(() => parseJson(text), text).toThrow(MalformedMessage);
  });
});

describe('values', () => {
  test.each<[string, Json, string | null]>([
    ['int8', '9007199254740993', '9007199254740993'],
    ['bool', 'true', 'true'],
    ['numeric', 'NAN', 'NaN'],
    ['numeric', 'POSITIVE_INFINITY', 'Infinity'],
    ['numeric', 'NEGATIVE_INFINITY', '-Infinity'],
    ['numeric', '1.500', '1.500'],
    ['float8', '-Infinity', '-Infinity'],
    ['bytea', '00ff', '\\x00ff'],
    ['date', '2024-02-29Z', '2024-02-29'],
    ['date', '-0043-03-15Z', '0044-03-15 BC'],
    ['date', '0000-01-01Z', '0001-01-01 BC'],
    ['date', '+10000-01-01Z', '10000-01-01'],
    ['date', '-5877611-06-21Z', 'infinity'],
    ['date', '-5877611-06-22Z', '-infinity'],
    ['timestamp', '+294247-01-10T04:00:25.2Z', 'infinity'],
    ['timestamp', '-290308-12-21T19:59:27.6Z', '-infinity'],
    ['timestamp', '2024-02-29T23:59:59.123456Z', '2024-02-29 23:59:59.123456'],
    ['timestamptz', '-0043-03-15T00:00:00Z', '0044-03-15 00:00:00+00 BC'],
    ['timestamptz', 'infinity', 'infinity'],
    ['point', { x: '1.5', y: 'NaN', wkb: '', srid: null }, '(1.5,NaN)'],
    ['pg_lsn', Buffer.from('16/B374D848').toString('hex'), '16/B374D848'],
    ['hstore', '{"a\\"b":null,"c":"d\\\\"}', '"a\\"b"=>NULL,"c"=>"d\\\\"'],
    ['_text', ['a,b', null, 'NULL', '"', '\\'], '{"a,b",NULL,"NULL","\\"","\\\\"}'],
    ['_int8', ['9007199254740993', null], '{"9007199254740993",NULL}'],
    ['text', null, null],
  ])('%s %j', (type, sent, text) => {
    expect(cell(type, sent)).toBe(text);
  });

  test('bits come with the last one first', () => {
    expect(cell('bit', 'true', 1)).toBe('1');
    expect(cell('bit', Buffer.from([0b0000_0110]).toString('base64'), 5)).toBe('00110');
  });

  test('trap 03: a value that was not sent is told from every other', () => {
    expect(cell('text', unavailableValue)).toBe(unchanged);
    expect(cell('_text', [unavailableValue])).toBe(unchanged);
    expect(cell('bytea', Buffer.from(unavailableValue).toString('hex'))).toBe(unchanged);
    expect(cell('_int4', [...Buffer.from(unavailableValue)].map(String))).toBe(unchanged);
    expect(cell('hstore', { [unavailableValue]: unavailableValue })).toBe(unchanged);
  });

  test('types that Debezium would change are not carried', () => {
    for (const type of [
      'time',
      'timetz',
      'varbit',
      '_interval',
      '_point',
      '_money',
      '_xml',
      '_time',
      '_bit',
      'int2vector',
    ])
      expect(carried(type), type).toBe('never');
    for (const type of ['_timestamptz', '_numeric', '_bytea', '_uuid'])
      expect(carried(type), type).toBe('full');
    for (const type of ['text', 'int8', 'jsonb', 'enum', '_text']) expect(carried(type), type).toBe('always');
  });
});

const tables = new Map([
  [
    '"public"."t"',
    {
      relation: {
        schema: 'public',
        name: 't',
        columns: [
          { name: 'id', key: true, typeOid: 20 },
          { name: 'v', key: false, typeOid: 25 },
        ],
      },
      types: [
        { name: 'int8', modifier: -1 },
        { name: 'text', modifier: -1 },
      ],
    },
  ],
]);

const begin = (xid: number) => ({
  status: 'BEGIN',
  id: `${xid}:1`,
  event_count: null,
  ts_ms: 1_700_000_000_000,
});
const end = (xid: number, at: number, count: number) => ({
  status: 'END',
  id: `${xid}:${at}`,
  event_count: count,
});
const row = (xid: number, order: number, op: string, before: object | null, after: object | null) => ({
  op,
  before,
  after,
  source: { schema: 'public', table: 't', txId: xid, lsn: 5, ts_us: 1_700_000_000_123_456, origin: null },
  transaction: { id: `${xid}:5`, total_order: order },
});

function events(...records: object[]) {
  const translator = new DebeziumTranslator(tables);
  return records.flatMap((record) => {
    const { headers, ...value } = { headers: {}, ...record };
    return translator.translate({
      value: JSON.stringify(value),
      newKey: undefined,
      oldKey: undefined,
      ...headers,
    });
  });
}

describe('translating records', () => {
  test('trap 82: a transaction is joined on its id before the colon, and has its commit time and end', () => {
    const all = events(
      begin(7),
      row(7, 1, 'c', null, { id: 1, v: 'a' }),
      row(7, 2, 'd', { id: 1, v: null }, null),
      end(7, 99, 2),
    );
    expect(all).toMatchObject([
      { kind: 'begin', commitTime: '2023-11-14 22:13:20.123456+00', origin: null },
      { kind: 'insert', row: ['1', 'a'] },
      { kind: 'delete', old: ['1', null] },
      { kind: 'commit', position: lsn(99n) },
    ]);
  });

  test('a changed key is one update of the old one, with what was not sent', () => {
    const all = events(
      begin(7),
      { ...row(7, 1, 'd', { id: 10, v: null }, null), headers: { newKey: '{"id":11}' } },
      { ...row(7, 2, 'c', null, { id: 11, v: unavailableValue }), headers: { oldKey: '{"id":10}' } },
      end(7, 99, 2),
    );
    expect(all[1]).toMatchObject({ kind: 'update', old: ['10', null], row: ['11', unchanged] });
  });

  test('trap 72, trap 74: records that come again are taken once, whether from the begin or after it', () => {
    const one = row(7, 1, 'c', null, { id: 1, v: 'a' });
    const two = row(7, 2, 'c', null, { id: 2, v: 'b' });
    const kinds = (...records: object[]) => events(...records).map((event) => event.kind);
    expect(kinds(begin(7), one, begin(7), one, two, end(7, 99, 2))).toEqual([
      'begin',
      'insert',
      'insert',
      'commit',
    ]);
    expect(kinds(begin(7), one, begin(7), two, end(7, 99, 2))).toEqual([
      'begin',
      'insert',
      'insert',
      'commit',
    ]);
    expect(kinds(begin(7), one, begin(6), end(6, 50, 0), begin(7), one, two, end(7, 99, 2))).toEqual([
      'begin',
      'insert',
      'begin',
      'commit',
      'begin',
      'insert',
      'insert',
      'commit',
    ]);
  });

  test('trap 80, trap 82: a transaction with a hole, a foreign row or a snapshot’s row stops the stream', () => {
    const one = row(7, 1, 'c', null, { id: 1, v: 'a' });
    for (const records of [
      [begin(7), one, end(7, 99, 2)],
      [begin(7), row(7, 2, 'c', null, { id: 1, v: 'a' })],
      [one],
      [begin(8), one],
      [end(7, 99, 0)],
      [begin(7), row(7, 1, 'r', null, { id: 1, v: 'a' })],
      [begin(7), row(7, 1, 'c', null, { id: 1, v: 'a', w: 1 })],
    ])
      expect(() => events(...records)).toThrow(MalformedMessage);
  });

  test('our heartbeat says how far the topic is', () => {
    const heartbeat = {
      op: 'm',
      transaction: null,
      source: { lsn: 77 },
      message: { prefix: 'strangler.heartbeat', content: '' },
    };
    expect(events(heartbeat)).toEqual([{ kind: 'position', position: 77n }]);
    expect(events({ ...heartbeat, message: { prefix: 'other', content: '' } })).toEqual([]);
  });
});
