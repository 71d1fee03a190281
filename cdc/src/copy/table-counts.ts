import { qualified } from '@strangler/postgres';
import type { Catalog } from '../catalog/index.ts';
import type { TablePlan } from '../plan/index.ts';

/** How far the copy of one table is. */
export interface CopyProgress {
  readonly table: string;
  /** Passed on so far. */
  readonly rows: number;
  readonly bytes: number;
  /** The planner's estimate; null if it has none. */
  readonly expectedRows: number | null;
  readonly done: boolean;
}

interface Count {
  rows: number;
  bytes: number;
  tasksLeft: number;
  expectedRows: number | null;
}

/** Rows and bytes per table, told on at most four times a second each. */
export class TableCounts {
  readonly #counts = new Map<string, Count>();
  readonly #tell: (progress: CopyProgress) => void;
  readonly #told = new Map<string, number>();
  #moved = performance.now();

  constructor(plans: readonly TablePlan[], tell: (progress: CopyProgress) => void) {
    this.#tell = tell;
    for (const plan of plans) {
      this.#counts.set(qualified(plan.source), { rows: 0, bytes: 0, tasksLeft: 0, expectedRows: null });
    }
  }

  expect(catalog: Catalog): void {
    for (const facts of catalog.values()) {
      if (facts.estimatedRows >= 0) this.#of(qualified(facts.table)).expectedRows = facts.estimatedRows;
    }
  }

  planned(plan: TablePlan): void {
    this.#of(qualified(plan.source)).tasksLeft += 1;
  }

  moved(plan: TablePlan, bytes: number, rows: number): void {
    const table = qualified(plan.source);
    const count = this.#of(table);
    count.bytes += bytes;
    count.rows += rows;
    this.#moved = performance.now();
    if (this.#moved - (this.#told.get(table) ?? 0) < 250) return;
    this.#told.set(table, this.#moved);
    this.#say(table);
  }

  finished(plan: TablePlan): void {
    const count = this.#of(qualified(plan.source));
    count.tasksLeft -= 1;
    this.#moved = performance.now();
    if (count.tasksLeft === 0) this.#say(qualified(plan.source));
  }

  /** Milliseconds since anything moved. */
  get idleMs(): number {
    return performance.now() - this.#moved;
  }

  totals(): { table: string; rows: number }[] {
    return [...this.#counts].map(([table, { rows }]) => ({ table, rows }));
  }

  #say(table: string): void {
    const { rows, bytes, expectedRows, tasksLeft } = this.#of(table);
    this.#tell({ table, rows, bytes, expectedRows, done: tasksLeft === 0 });
  }

  #of(table: string): Count {
    const count = this.#counts.get(table);
    if (!count) throw new RangeError(`not a table of this copy: ${table}`);
    return count;
  }
}
