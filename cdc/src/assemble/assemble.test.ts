import { type Lsn, lsn } from '@strangler/postgres';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Cell, Change, Relation } from '../source/index.ts';
import { Assembler } from './assembler.ts';
import { Backlog } from './backlog.ts';
import type { Transaction } from './transaction.ts';

const relation = (schema: string, name: string): Relation => ({
  schema,
  name,
  columns: [{ name: 'id', key: true, typeOid: 20 }],
});
const orders = relation('shop', 'orders');
const ownership = relation('strangler', 'ownership');
const cell = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null), fc.constant(0 as const));
const row: fc.Arbitrary<Cell[]> = fc.array(cell, { minLength: 1, maxLength: 3 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), relation: fc.constant(orders), row }),
  fc.record({
    kind: fc.constant('update' as const),
    relation: fc.constant(orders),
    old: fc.option(row),
    row,
  }),
  fc.record({ kind: fc.constant('delete' as const), relation: fc.constant(orders), old: row }),
  fc.record({ kind: fc.constant('truncate' as const), relations: fc.constant([orders, relation('a', 'b')]) }),
);

function assembled(
  changes: readonly Change[],
  options: { spillBytes: number; origin?: string },
): Transaction {
  const found: Transaction[] = [];
  const assembler = new Assembler({
    spillBytes: options.spillBytes,
    skipRows: (origin) => origin === 'echo',
    onTransaction: (transaction) => found.push(transaction),
  });
  assembler.take({ kind: 'begin', commitTime: 'now', origin: options.origin ?? null }, 20);
  for (const each of changes) assembler.take(each, 100);
  expect(found).toEqual([]);
  assembler.take({ kind: 'commit', position: lsn(9n) }, 20);
  const [transaction] = found;
  if (!transaction) throw new Error('no transaction');
  return transaction;
}

async function changesOf(transaction: Transaction): Promise<Change[]> {
  const all: Change[] = [];
  for await (const piece of transaction.pieces()) all.push(...piece);
  return all;
}

describe('assembling', () => {
  test('trap 12: a transaction that went to a file is the same as one in memory, twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 50 }),
        fc.constantFrom(1, 500, 1e9),
        async (changes, spillBytes) => {
          const transaction = assembled(changes, { spillBytes });
          expect(await changesOf(transaction)).toEqual(changes);
          expect(await changesOf(transaction)).toEqual(changes);
          if (spillBytes === 1) expect(transaction.bytes).toBeLessThan(200);
          // What is read without waiting is the same, too.
          if (spillBytes === 1e9) expect(transaction.few).toEqual(changes);
          else if (spillBytes === 1 && changes.length > 0) expect(transaction.few).toBeUndefined();
          transaction.discard();
        },
      ),
      { numRuns: 50 },
    );
  });

  test('many changes are not read at once', async () => {
    const one: Change = { kind: 'insert', relation: orders, row: ['1'] };
    const many = Array.from({ length: 501 }, () => one);
    const transaction = assembled(many, { spillBytes: 1e9 });
    expect(transaction.few).toBeUndefined();
    expect(await changesOf(transaction)).toEqual(many);
    expect(assembled(many.slice(1), { spillBytes: 1e9 }).few).toHaveLength(500);
  });

  test('an echo keeps its markers and drops its rows', async () => {
    const marker: Change = { kind: 'update', relation: ownership, old: null, row: ['x'] };
    const rows: Change = { kind: 'insert', relation: orders, row: ['1'] };
    const echo = assembled([rows, marker], { spillBytes: 1e9, origin: 'echo' });
    expect(echo.markers).toEqual([marker]);
    expect(await changesOf(echo)).toEqual([]);
    const foreign = assembled([rows, marker], { spillBytes: 1e9, origin: 'another replication' });
    expect(await changesOf(foreign)).toEqual([rows]);
  });
});

describe('the backlog', () => {
  const transaction = (position: number, changes: number, markers: readonly Change[] = []): Transaction => ({
    position: lsn(BigInt(position)),
    commitTime: 'now',
    origin: null,
    changes,
    bytes: 10,
    few: undefined,
    markers,
    pieces: async function* () {},
    discard: () => {},
  });

  test('no position overtakes a transaction, and none is cut or lost', () => {
    const entry = fc.oneof(fc.constant('position' as const), fc.nat(30), fc.constant('marker' as const));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (entries, most) => {
        const backlog = new Backlog();
        const marker: Change = { kind: 'update', relation: ownership, old: null, row: ['x'] };
        entries.forEach((each, at) => {
          if (each === 'position') backlog.reach(lsn(BigInt(at)));
          else backlog.add(transaction(at, each === 'marker' ? 0 : each, each === 'marker' ? [marker] : []));
        });
        const taken: Lsn[] = [];
        let reached = -1n;
        while (!backlog.empty) {
          const batch = backlog.take(most);
          const positions = batch.transactions.map((each) => each.position);
          taken.push(...positions);
          expect(batch.position ?? -1n).toBeGreaterThan(reached);
          reached = batch.position ?? reached;
          for (const each of positions) expect(each).toBeLessThanOrEqual(reached);
          expect(batch.transactions.slice(0, -1).every((each) => each.markers.length === 0)).toBe(true);
          // Whatever was not taken lies behind the position: it may be confirmed.
          const all = entries.flatMap((each, at) => (each === 'position' ? [] : [BigInt(at)]));
          expect(taken).toEqual(all.filter((at) => at <= reached));
        }
        expect(backlog.bytes).toBe(0);
      }),
    );
  });

  test('wakes whoever waits, and ends a wait with its signal', async () => {
    const backlog = new Backlog();
    const stop = new AbortController();
    const woken = backlog.wait(60_000, stop.signal);
    backlog.reach(lsn(1n));
    await woken;
    backlog.take(1);
    const aborted = backlog.wait(60_000, stop.signal);
    stop.abort();
    await aborted;
    expect(backlog.empty).toBe(true);
  });
});
