import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TablePlan } from '../plan/index.ts';
import { type Cell, type Cells, unchanged } from '../source/index.ts';
import { Grouping, type Step } from './groups.ts';
import type { RowChange, StreamTable } from './table.ts';

const plan: TablePlan = {
  source: { schema: 's', name: 't' },
  target: { schema: 's', name: 't' },
  sequences: [],
  columns: ['id', 'v', 'w'].map((name) => ({
    source: name,
    target: name,
    sourceType: 'text',
    readAs: 'text',
    targetType: 'text',
    key: name === 'id',
    targetIdentityAlways: false,
  })),
};
const table: StreamTable = {
  plan,
  relation: { ...plan.source, columns: [] },
  places: [0, 1, 2],
  asSent: true,
  keys: [0],
};

type Rows = Map<string, Cells>;

/** The obvious sink: one change after the other. */
function apply(rows: Rows, change: RowChange): void {
  const present = rows.get(change.key);
  if (change.kind === 'insert') {
    if (present) throw new Error(`${change.key} is there`);
    rows.set(change.key, change.values);
    return;
  }
  if (!present) throw new Error(`${change.key} is not there`);
  rows.delete(change.key);
  if (change.kind === 'delete') return;
  if (rows.has(change.newKey)) throw new Error(`${change.newKey} is there`);
  rows.set(
    change.newKey,
    change.values.map((cell, at) => (cell === unchanged ? (present[at] ?? null) : cell)),
  );
}

/** A history that a source could have had: each step is possible where it stands. */
function history(
  steps: readonly { kind: number; key: number; to: number; leaves: boolean }[],
): (RowChange | 'truncate')[] {
  const rows: Rows = new Map();
  return steps.flatMap(({ kind, key, to, leaves }, at): (RowChange | 'truncate')[] => {
    const [old, next] = [`k${key}`, `k${to}`];
    const values: Cell[] = [`v${at}`, `w${at}`];
    if (kind === 9) {
      rows.clear();
      return ['truncate'];
    }
    let change: RowChange;
    if (!rows.has(old)) change = { kind: 'insert', table, key: old, values: [old, ...values] };
    else if (kind < 3) change = { kind: 'delete', table, key: old, oldKey: [old] };
    else {
      const newKey = kind < 6 && !rows.has(next) ? next : old;
      if (leaves) values[1] = unchanged;
      change = { kind: 'update', table, key: old, oldKey: [old], newKey, values: [newKey, ...values] };
    }
    apply(rows, change);
    return [change];
  });
}

/** The steps, applied as statements: each at once, its changes in any order. */
function applySteps(steps: readonly Step[]): Rows {
  const rows: Rows = new Map();
  for (const step of steps) {
    if (step.kind === 'truncate') rows.clear();
    else for (const change of step.changes.toReversed()) apply(rows, change);
  }
  return rows;
}

describe('grouping', () => {
  const steps = fc.array(
    fc.record({ kind: fc.nat(9), key: fc.nat(5), to: fc.nat(5), leaves: fc.boolean() }),
    { maxLength: 60 },
  );

  test('gives what the changes give one by one, and no statement has a key twice', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const expected: Rows = new Map();
        const grouping = new Grouping();
        for (const change of history(given)) {
          if (change === 'truncate') {
            expected.clear();
            grouping.truncate(table);
          } else {
            apply(expected, change);
            grouping.add(change);
          }
        }
        const made = grouping.tables().flatMap((each) => each.steps);
        for (const step of made) {
          if (step.kind === 'truncate') continue;
          const keys = step.changes.flatMap((each) =>
            each.kind === 'update' && each.newKey !== each.key ? [each.key, each.newKey] : [each.key],
          );
          expect(new Set(keys).size).toBe(keys.length);
          for (const change of step.changes) expect(untouchedOf(change)).toEqual(step.untouched);
        }
        expect(applySteps(made)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  const insert = (key: string): RowChange => ({ kind: 'insert', table, key, values: [key, 'a', 'b'] });
  const update = (key: string, v: Cell, w: Cell): RowChange => ({
    kind: 'update',
    table,
    key,
    oldKey: [key],
    newKey: key,
    values: [key, v, w],
  });
  const stepsOf = (changes: readonly RowChange[]) => {
    const grouping = new Grouping();
    for (const change of changes) grouping.add(change);
    const made = grouping.tables()[0]?.steps ?? [];
    return made.map((each) => (each.kind === 'truncate' ? each.kind : `${each.kind} ${each.changes.length}`));
  };
  const keys = Array.from({ length: 1_000 }, (_, n) => `k${n}`);

  test('rows that are inserted and then updated whole are inserted with what they are in the end', () => {
    expect(stepsOf(keys.flatMap((key) => [insert(key), update(key, 'c', 'd')]))).toEqual(['insert 1000']);
  });

  test('a row that changes again and again is one change, or does not keep the others apart', () => {
    const often = keys.flatMap((key) => [update('hot', key, 'd'), update(key, 'c', 'd')]);
    expect(stepsOf(often)).toEqual(['update 1001']);
    // What these leave alone is not known: each must be made.
    const partly = keys
      .slice(0, 3)
      .flatMap((key) => [update('hot', key, unchanged), update(key, 'c', unchanged)]);
    expect(stepsOf(partly)).toEqual(['update 4', 'update 1', 'update 1']);
  });

  test('trap 66: an update of a key that the row no longer has finds no row, and is not lost in another change', () => {
    const moved: RowChange = {
      kind: 'update',
      table,
      key: 'a',
      oldKey: ['a'],
      newKey: 'b',
      values: ['b', 'c', 'd'],
    };
    expect(stepsOf([moved, update('a', 'e', 'f')])).toEqual(['update 1', 'update 1']);
    expect(stepsOf([moved, update('b', 'e', 'f')])).toEqual(['update 1']);
  });
});

function untouchedOf(change: RowChange): number[] {
  if (change.kind !== 'update') return [];
  return change.values.flatMap((cell, at) => (cell === unchanged ? [at] : []));
}
