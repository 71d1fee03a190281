import { StranglerError } from '@strangler/errors';
import { qualified } from '@strangler/postgres';
import type { ColumnPlan, TablePlan } from '../plan/index.ts';
import { type Cells, type Change, type Relation, unchanged } from '../source/index.ts';

/** A planned table, and where the stream's rows have its columns. */
export interface StreamTable {
  readonly plan: TablePlan;
  readonly relation: Relation;
  /** For each column of the plan, its place in the relation. */
  readonly places: readonly number[];
  /** Whether the plan has the columns as they come. */
  readonly asSent: boolean;
  /** Places of the key's columns in the plan. */
  readonly keys: readonly number[];
}

/** A change of one row, its values in the order of the plan's columns. */
export type RowChange =
  | { readonly kind: 'insert'; readonly table: StreamTable; readonly key: string; readonly values: Cells }
  | {
      readonly kind: 'update';
      readonly table: StreamTable;
      /** The row's key before the change. */
      readonly key: string;
      readonly oldKey: Cells;
      readonly newKey: string;
      readonly values: Cells;
    }
  | { readonly kind: 'delete'; readonly table: StreamTable; readonly key: string; readonly oldKey: Cells };

/** Finds the plan for what arrives, and notices when a table changes its shape under us (trap 8). */
export class StreamTables {
  readonly #plans: ReadonlyMap<string, TablePlan>;
  readonly #newColumnsMatter: boolean;
  readonly #tables = new Map<Relation, StreamTable | undefined>();
  readonly #first = new Map<string, Relation>();

  /** @param newColumnsMatter the plan carries every column of the source: one that appears later is missing in it. */
  constructor(plans: readonly TablePlan[], newColumnsMatter: boolean) {
    this.#plans = new Map(plans.map((plan) => [qualified(plan.source), plan]));
    this.#newColumnsMatter = newColumnsMatter;
  }

  /** Undefined for a table that is published but not planned. @throws StranglerError STREAM_STOPPED. */
  of(relation: Relation): StreamTable | undefined {
    if (this.#tables.has(relation)) return this.#tables.get(relation);
    const plan = this.#plans.get(qualified(relation));
    if (plan) this.#refuseNewShape(plan, relation);
    const table = plan ? streamTable(plan, relation) : undefined;
    this.#tables.set(relation, table);
    return table;
  }

  #refuseNewShape(plan: TablePlan, relation: Relation): void {
    const name = qualified(relation);
    const first = this.#first.get(name) ?? relation;
    this.#first.set(name, first);
    const before = new Map(first.columns.map((column) => [column.name, column.typeOid]));
    const planned = new Set(plan.columns.map((column) => column.source));
    const changed = relation.columns.find(({ name: column, typeOid }) =>
      before.has(column) ? planned.has(column) && before.get(column) !== typeOid : this.#newColumnsMatter,
    );
    if (!changed) return;
    throw new StranglerError(
      'STREAM_STOPPED',
      `The column ${changed.name} of ${name} is new, or has another type, since the stream started.`,
      'Make the same change on the other side, map or omit the column in the config, then restart the stream.',
    );
  }
}

function streamTable(plan: TablePlan, relation: Relation): StreamTable {
  const places = plan.columns.map((column) => {
    const place = relation.columns.findIndex((each) => each.name === column.source);
    if (place >= 0) return place;
    throw new StranglerError(
      'STREAM_STOPPED',
      `The stream does not carry ${qualified(relation)}.${column.source}.`,
      'Publish the whole table without a column list, and restart the stream once both sides have the column.',
    );
  });
  const keys = plan.columns.flatMap((column, index) => (column.key ? [index] : []));
  const asSent = relation.columns.length === places.length && places.every((place, index) => place === index);
  return { plan, relation, places, asSent, keys };
}

/** The row's change in the plan's terms. @throws StranglerError STREAM_STOPPED if its key did not come with it. */
export function rowChange(table: StreamTable, change: Exclude<Change, { kind: 'truncate' }>): RowChange {
  if (change.kind === 'delete') {
    const oldKey = keyOf(table, change.old);
    return { kind: 'delete', table, oldKey, key: keyText(oldKey) };
  }
  if (change.kind === 'insert') {
    const { row } = change;
    return { kind: 'insert', table, values: valuesOf(table, row), key: keyText(keyOf(table, row)) };
  }
  const { old } = change;
  // What the update left alone in a table under REPLICA IDENTITY FULL comes with the old row (trap 3). In a mere key
  // the other columns are null, which a value that was left alone can never be.
  const row = old
    ? change.row.map((cell, index) => (cell === unchanged ? (old[index] ?? unchanged) : cell))
    : change.row;
  const oldKey = keyOf(table, old ?? row);
  const key = keyText(oldKey);
  const newKey = old ? keyText(keyOf(table, row)) : key;
  return { kind: 'update', table, oldKey, key, newKey, values: valuesOf(table, row) };
}

function valuesOf({ asSent, places }: StreamTable, row: Cells): Cells {
  return asSent ? row : places.map((place) => row[place] ?? null);
}

function keyOf(table: StreamTable, row: Cells): readonly string[] {
  return table.keys.map((index) => {
    const cell = row[table.places[index] ?? -1];
    if (typeof cell === 'string') return cell;
    throw new StranglerError(
      'STREAM_STOPPED',
      `A change of ${qualified(table.plan.source)} came without its primary key.`,
      'Set its REPLICA IDENTITY to DEFAULT or FULL, then run `strangler cancel` and `strangler sync`.',
    );
  });
}

/** No text of PostgreSQL's holds a zero byte. */
function keyText(key: readonly string[]): string {
  const [only] = key;
  return key.length === 1 && only !== undefined ? only : key.join('\0');
}

/** The key's values by column, for a person. */
export function namedKey(table: StreamTable, key: Cells): Record<string, string | null> {
  return Object.fromEntries(
    table.keys.map((index, at) => [columnAt(table.plan, index).source, String(key[at] ?? '')]),
  );
}

export function columnAt(plan: TablePlan, index: number): ColumnPlan {
  const column = plan.columns[index];
  if (!column) throw new RangeError(`no column ${index} in the plan of ${plan.source.name}`);
  return column;
}
