import type { TablePlan } from '../plan/index.ts';
import { unchanged } from '../source/index.ts';

import type { RowChange, StreamTable } from './table.ts';

/** Row changes of one table and kind that one statement can make: no key occurs twice among them. */
export interface Group {
  readonly table: StreamTable;
  readonly kind: RowChange['kind'];
  /** Of an update: whether keys change, and which columns were left alone; alike for the whole group. */
  readonly keyChanges: boolean;
  readonly untouched: readonly number[];
  readonly changes: RowChange[];
}

/** All rows of the table go. */
export interface Emptying {
  readonly table: StreamTable;
  readonly kind: 'truncate';
}

export type Step = Group | Emptying;

/**
 * Sorts changes into few statements and keeps what they mean: changes of one key stay in order, since each goes behind
 * the last one that touched its key; changes of different keys commute. So do tables: under the replica role nothing
 * of the target connects them. What does not commute, a secondary unique value that moves from row to row, makes
 * PostgreSQL refuse a statement, and is done by parking (`park.ts`).
 */
export class Grouping {
  /** By plan: a table that was described again is still the same table. */
  readonly #tables = new Map<TablePlan, TableSteps>();
  #size = 0;

  /** Changes added. */
  get size(): number {
    return this.#size;
  }

  add(change: RowChange): void {
    this.#size += 1;
    this.#stepsOf(change.table).add(change);
  }

  truncate(table: StreamTable): void {
    this.#size += 1;
    this.#stepsOf(table).truncate();
  }

  /** The steps of each table, in order. */
  tables(): { table: StreamTable; steps: readonly Step[] }[] {
    return [...this.#tables.values()].map(({ table, steps }) => ({ table, steps }));
  }

  #stepsOf(table: StreamTable): TableSteps {
    let steps = this.#tables.get(table.plan);
    if (!steps) {
      steps = new TableSteps(table);
      this.#tables.set(table.plan, steps);
    }
    return steps;
  }
}

class TableSteps {
  readonly steps: Step[] = [];
  readonly table: StreamTable;
  /** The last step that touched a key. */
  readonly #lastOfKey = new Map<string, number>();
  /** The last group of a signature. */
  readonly #lastOfKind = new Map<string, number>();
  #floor = 0;

  constructor(table: StreamTable) {
    this.table = table;
  }

  add(change: RowChange): void {
    const keys = change.kind === 'update' ? [change.key, change.newKey] : [change.key];
    const least = keys.reduce((at, key) => Math.max(at, (this.#lastOfKey.get(key) ?? -1) + 1), this.#floor);
    const { signature, untouched, keyChanges } = signatureOf(change);
    const last = this.#lastOfKind.get(signature) ?? -1;
    const at = last >= least ? last : this.steps.length;
    const group = this.steps[at];
    if (group && group.kind !== 'truncate') group.changes.push(change);
    else this.steps.push({ table: this.table, kind: change.kind, keyChanges, untouched, changes: [change] });
    this.#lastOfKind.set(signature, at);
    for (const key of keys) this.#lastOfKey.set(key, at);
  }

  truncate(): void {
    this.steps.push({ table: this.table, kind: 'truncate' });
    this.#floor = this.steps.length;
    this.#lastOfKey.clear();
    this.#lastOfKind.clear();
  }
}

function signatureOf(change: RowChange): { signature: string; untouched: number[]; keyChanges: boolean } {
  if (change.kind !== 'update') return { signature: change.kind, untouched: [], keyChanges: false };
  const untouched = change.values.flatMap((cell, index) => (cell === unchanged ? [index] : []));
  const keyChanges = change.key !== change.newKey;
  return { signature: `update ${keyChanges} ${untouched.join(',')}`, untouched, keyChanges };
}
