import { describe, expect, test } from 'vitest';
import { written } from '../../../test/json.ts';
import type { ChangeEvent } from '../change.ts';
import type { Json } from './json.ts';
import { jsonText } from './json-reader.ts';
import { RecordReader, rowOf } from './record.ts';
import { DebeziumTranslator, MalformedRecord, type TopicRecord } from './translate.ts';

const table = {
  schema: 'public',
  name: 't',
  full: false,
  columns: [
    { name: 'id', type: 'bigint', typeOid: 20, key: true },
    { name: 'v', type: 'text', typeOid: 25, key: false },
  ],
};
const reader = new RecordReader();
const record = (
  value: Json,
  { key = { id: 1 }, oldKey = null, rekeyed = false }: { key?: Json; oldKey?: Json; rekeyed?: boolean } = {},
): TopicRecord => {
  const bytes = Buffer.from(written(value, ''));
  return {
    value: reader.read(jsonText(bytes), 0, bytes.length),
    rekeyed,
    key: () => rowOf(key),
    oldKey: () => rowOf(oldKey),
  };
};
const begin = record({ status: 'BEGIN', id: '7:100', ts_ms: 1_700_000_000_000 });
const end = (count: number) => record({ status: 'END', id: '7:300', event_count: count, ts_ms: 1 });
const source = (origin: string | null) => ({ txId: 7, lsn: 200, schema: 'public', table: 't', origin });
const row = (op: string, rest: Record<string, Json>, origin: string | null = null): Json => ({
  op,
  source: source(origin),
  transaction: { id: '7:200', total_order: 1 },
  ...rest,
});

/** The events that the records tell, and the positions that they are. */
function kinds(records: readonly TopicRecord[], tables = [table]): unknown[] {
  const told: (ChangeEvent | { position: bigint })[] = [];
  const translator = new DebeziumTranslator(tables, (event) => told.push(event));
  for (const each of records) {
    const position = translator.translate(each);
    if (position !== undefined) told.push({ position });
  }
  return told;
}

describe('Debezium’s records', () => {
  test('trap 82: a transaction is one by the first part of ids that differ, with its rows’ origin', () => {
    expect(kinds([begin, record(row('c', { after: { id: 1, v: 'a' } }, 'back')), end(1)])).toMatchObject([
      { kind: 'begin', commitTime: '2023-11-14 22:13:20.000+00', origin: 'back' },
      { kind: 'insert', row: ['1', 'a'] },
      { kind: 'commit', position: 300n },
    ]);
  });

  test('trap 82: fewer records than the end counts stop the stream', () => {
    expect(() => kinds([begin, record(row('c', { after: { id: 1, v: 'a' } })), end(2)])).toThrow(
      /has 2 events, 1 arrived/,
    );
    expect(() => kinds([record(row('c', { after: { id: 1, v: 'a' } }))])).toThrow(MalformedRecord);
    const other = record({ status: 'BEGIN', id: '8:100', ts_ms: 1_700_000_000_000 });
    const first = record(row('c', { after: { id: 1, v: 'a' } }));
    expect(() => kinds([begin, other])).toThrow(MalformedRecord);
    expect(() => kinds([begin, first, other])).toThrow(MalformedRecord);
  });

  test('trap 74: a connector that failed within a transaction gives the rest, and nothing of it twice', () => {
    const at = (op: string, lsn: number) =>
      record({
        op,
        source: { ...source(null), lsn },
        transaction: {},
        before: null,
        after: { id: lsn, v: 'a' },
      });
    const updates = (...ids: string[]) => ids.map((id) => ({ kind: 'update', row: [id, 'a'] }));
    expect(kinds([begin, at('u', 200), at('u', 210), begin, at('u', 220), end(1)])).toMatchObject([
      { kind: 'begin' },
      ...updates('200', '210', '220'),
      { kind: 'commit' },
    ]);
    expect(kinds([begin, begin, at('c', 200), end(1)])).toHaveLength(3);
    expect(() => kinds([begin, at('u', 200), at('u', 210), begin, at('u', 200)])).toThrow(/was sent again/);
    expect(() => kinds([begin, at('u', 200), begin, at('u', 210), end(2)])).toThrow(
      /has 2 events, 1 arrived/,
    );
  });

  test('trap 74: what a connector may have passed over when it died stops the stream', () => {
    const insert = record(row('c', { after: { id: 1, v: 'a' } }));
    const emptied = record(row('t', { before: null, after: null }), { key: null });
    const half = record(row('d', { before: { id: 1, v: null }, after: null }), { rekeyed: true });
    for (const last of [insert, emptied, half])
      expect(() => kinds([begin, last, begin])).toThrow(/passes over those/);
  });

  test('trap 03: an update without its old row stops where old rows tell NULL from what was left alone', () => {
    const update = record(row('u', { before: null, after: { id: 1, v: null } }));
    expect(() => kinds([begin, update], [{ ...table, full: true }])).toThrow(
      /lost its REPLICA IDENTITY FULL/,
    );
  });

  test('trap 04: a changed key is one update, not a delete and an insert', () => {
    const gone = record(row('d', { before: { id: 1, v: null }, after: null }), { rekeyed: true });
    const back = record(row('c', { after: { id: 2, v: 'a' } }), { key: { id: 2 }, oldKey: { id: 1 } });
    expect(kinds([begin, gone, back, end(2)])).toMatchObject([
      { kind: 'begin' },
      { kind: 'update', old: ['1', null], row: ['2', 'a'] },
      { kind: 'commit' },
    ]);
  });

  test('trap 78: deletes and truncates arrive', () => {
    const gone = record(row('d', { before: { id: 1, v: null }, after: null }));
    const emptied = record(row('t', { before: null, after: null }), { key: null });
    expect(kinds([begin, gone, emptied, end(2)])).toMatchObject([
      { kind: 'begin' },
      { kind: 'delete', old: ['1', null] },
      { kind: 'truncate', relations: [{ name: 't' }] },
      { kind: 'commit' },
    ]);
  });

  test('tables truncated together are truncated together: foreign keys between them allow nothing else', () => {
    const emptied = record(row('t', { before: null, after: null }), { key: null });
    const next = record(row('c', { after: { id: 1, v: 'a' } }));
    expect(kinds([begin, emptied, emptied, next, end(3)])).toMatchObject([
      { kind: 'begin' },
      { kind: 'truncate', relations: [{ name: 't' }, { name: 't' }] },
      { kind: 'insert' },
      { kind: 'commit' },
    ]);
  });

  test('trap 83: a row that was read and not changed stops the stream, wherever it comes', () => {
    const read = (txId: number | null) =>
      record({
        op: 'r',
        after: { id: 1, v: 'a' },
        transaction: null,
        source: { txId, schema: 'public', table: 't' },
      });
    expect(() => kinds([begin, read(7)])).toThrow(/public.t was read again/);
    expect(() => kinds([begin, read(8)])).toThrow(MalformedRecord);
    expect(() => kinds([read(null)])).toThrow(MalformedRecord);
  });

  test('trap 74: many changes of one position are all taken, and each once', () => {
    const inserts = [1, 2, 3].map((id) => record(row('c', { after: { id, v: 'a' } })));
    expect(kinds([begin, ...inserts, end(3)])).toMatchObject([
      { kind: 'begin' },
      ...[1, 2, 3].map((id) => ({ kind: 'insert', row: [String(id), 'a'] })),
      { kind: 'commit' },
    ]);
    expect(() => kinds([begin, ...inserts, ...inserts, end(3)])).toThrow(/has 3 events, 6 arrived/);
  });

  test('trap 85: a heartbeat of ours is a position, and any other message none', () => {
    const message = (prefix: string): Json => ({
      op: 'm',
      message: { prefix, content: '' },
      source: { txId: null, lsn: 9_007_199_254_740_993n },
      transaction: null,
    });
    expect(kinds([record(message('strangler.heartbeat')), record(message('other'))])).toEqual([
      { position: 9_007_199_254_740_993n },
    ]);
  });
});
