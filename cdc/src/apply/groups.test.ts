import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TablePlan } from '../plan/index.ts';
import { Grouping } from './groups.ts';
import type { RowChange, StreamTable } from './table.ts';

const plan: TablePlan = {
  source: { schema: 's', name: 't' },
  target: { schema: 's', name: 't' },
  sequences: [],
  columns: ['id', 'v'].map((name) => ({
    source: name,
    target: name,
    sourceType: 'text',
    readAs: 'text',
    targetType: 'text',
    key: name === 'id',
    targetIdentityAlways: false,
  })),
};
const table: StreamTable = { plan, relation: { ...plan.source, columns: [] }, places: [0, 1], keys: [0] };

/** The obvious sink: one change after the other. */
function apply(rows: Map<string, string>, change: RowChange): void {
  const present = rows.has(change.key);
  if (change.kind === 'insert') {
    if (present) throw new Error(`${change.key} is there`);
    rows.set(change.key, String(change.values[1]));
    return;
  }
  if (!present) throw new Error(`${change.key} is not there`);
  rows.delete(change.key);
  if (change.kind === 'delete') return;
  if (rows.has(change.newKey)) throw new Error(`${change.newKey} is there`);
  rows.set(change.newKey, String(change.values[1]));
}

/** A history that a source could have had: each step is possible where it stands. */
function history(steps: readonly { kind: number; key: number; to: number }[]): (RowChange | 'truncate')[] {
  const rows = new Map<string, string>();
  return steps.flatMap(({ kind, key, to }, at): (RowChange | 'truncate')[] => {
    const [old, next, value] = [`k${key}`, `k${to}`, `v${at}`];
    if (kind === 9) {
      rows.clear();
      return ['truncate'];
    }
    let change: RowChange;
    if (!rows.has(old)) change = { kind: 'insert', table, key: old, values: [old, value] };
    else if (kind < 3) change = { kind: 'delete', table, key: old, oldKey: [old] };
    else {
      const newKey = kind < 6 && !rows.has(next) ? next : old;
      change = { kind: 'update', table, key: old, oldKey: [old], newKey, values: [newKey, value] };
    }
    apply(rows, change);
    return [change];
  });
}

describe('grouping', () => {
  const steps = fc.array(fc.record({ kind: fc.nat(9), key: fc.nat(5), to: fc.nat(5) }), { maxLength: 60 });

  test('gives what the changes give one by one, and no statement has a key twice', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const changes = history(given);
        const expected = new Map<string, string>();
        const grouping = new Grouping();
        for (const change of changes) {
          if (change === 'truncate') {
            expected.clear();
            grouping.truncate(table);
          } else {
            apply(expected, change);
            grouping.add(change);
          }
        }
        const rows = new Map<string, string>();
        for (const group of grouping.tables().flatMap((each) => each.steps)) {
          if (group.kind === 'truncate') {
            rows.clear();
            continue;
          }
          const keys = group.changes.flatMap((each) =>
            each.kind === 'update' && each.newKey !== each.key ? [each.key, each.newKey] : [each.key],
          );
          expect(new Set(keys).size).toBe(keys.length);
          for (const change of group.changes) apply(rows, change);
        }
        expect(rows).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('a thousand rows that are inserted and then updated take two statements', () => {
    const grouping = new Grouping();
    for (let n = 0; n < 1_000; n += 1) {
      const key = `k${n}`;
      grouping.add({ kind: 'insert', table, key, values: [key, 'a'] });
      grouping.add({ kind: 'update', table, key, oldKey: [key], newKey: key, values: [key, 'b'] });
    }
    expect(grouping.tables()[0]?.steps.map((each) => each.kind)).toEqual(['insert', 'update']);
  });
});
