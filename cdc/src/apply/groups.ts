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
 * Sorts changes into few statements and keeps what they mean. Changes of one key stay in order, since each goes behind
 * the last one that touched its key, or becomes one with it; changes of different keys commute, so that each goes into
 * the first group that can take it. Tables commute, too: under the replica role nothing of the target connects them.
 * What does not commute, a secondary unique value that moves from row to row, makes PostgreSQL refuse a statement, and is
 * done by parking (`park.ts`): nothing is overwritten (trap 27).
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

/** Where the last change of a key stands. */
interface Spot {
  readonly step: number;
  readonly index: number;
}

class TableSteps {
  readonly steps: Step[] = [];
  readonly table: StreamTable;
  readonly #lastOfKey = new Map<string, Spot>();
  /** The groups of a signature, as numbers of steps. */
  readonly #groupsOf = new Map<string, number[]>();
  #floor = 0;

  constructor(table: StreamTable) {
    this.table = table;
  }

  add(change: RowChange): void {
    const last = this.#lastOfKey.get(change.key);
    if (last && this.#becomesOneWith(last, change)) return;
    const { key } = change;
    const newKey = change.kind === 'update' ? change.newKey : key;
    const behind = Math.max(behindSpot(last), newKey === key ? 0 : behindSpot(this.#lastOfKey.get(newKey)));
    const signature = signatureOf(change);
    const step =
      this.#firstFrom(Math.max(this.#floor, behind), signature.text) ?? this.#begin(change, signature);
    const group = this.steps[step];
    if (!group || group.kind === 'truncate') throw new RangeError(`step ${step} is no group`);
    const spot = { step, index: group.changes.length };
    group.changes.push(change);
    this.#lastOfKey.set(key, spot);
    if (newKey !== key) this.#lastOfKey.set(newKey, spot);
  }

  truncate(): void {
    this.steps.push({ table: this.table, kind: 'truncate' });
    this.#floor = this.steps.length;
    this.#lastOfKey.clear();
    this.#groupsOf.clear();
  }

  /** An update of all values takes the place of those that the row was inserted or updated with: no reader sees them. */
  #becomesOneWith({ step, index }: Spot, change: RowChange): boolean {
    if (change.kind !== 'update' || signatureOf(change) !== usual.update) return false;
    const group = this.steps[step];
    if (!group || group.kind === 'truncate' || group.untouched.length > 0) return false;
    const before = group.changes[index];
    // A row whose key changed is found under its new one.
    const isItsRow = before?.kind === 'insert' || (before?.kind === 'update' && before.newKey === change.key);
    if (isItsRow) group.changes[index] = { ...before, values: change.values };
    return isItsRow;
  }

  #begin(change: RowChange, { text, keyChanges, untouched }: Signature): number {
    const step =
      this.steps.push({ table: this.table, kind: change.kind, keyChanges, untouched, changes: [] }) - 1;
    const groups = this.#groupsOf.get(text);
    if (groups) groups.push(step);
    else this.#groupsOf.set(text, [step]);
    return step;
  }

  /** The first group of a signature that is not before the step; there may be many, of one row that changes often. */
  #firstFrom(least: number, signature: string): number | undefined {
    const groups = this.#groupsOf.get(signature) ?? [];
    let low = 0;
    let high = groups.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((groups[middle] ?? least) < least) low = middle + 1;
      else high = middle;
    }
    return groups[low];
  }
}

function behindSpot(spot: Spot | undefined): number {
  return spot === undefined ? 0 : spot.step + 1;
}

/** What the changes of a group have in common beside their table. */
interface Signature extends Pick<Group, 'keyChanges' | 'untouched'> {
  readonly text: string;
}

/** Of nearly all changes. */
const usual: Readonly<Record<RowChange['kind'], Signature>> = {
  insert: { text: 'insert', keyChanges: false, untouched: [] },
  update: { text: 'update', keyChanges: false, untouched: [] },
  delete: { text: 'delete', keyChanges: false, untouched: [] },
};

function signatureOf(change: RowChange): Signature {
  if (change.kind !== 'update') return usual[change.kind];
  const keyChanges = change.key !== change.newKey;
  if (!keyChanges && !change.values.includes(unchanged)) return usual.update;
  const untouched = change.values.flatMap((cell, index) => (cell === unchanged ? [index] : []));
  return { text: `update ${keyChanges} ${untouched.join(',')}`, keyChanges, untouched };
}
