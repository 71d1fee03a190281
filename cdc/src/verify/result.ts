/** A row that is not the same on both sides, though the stream had time to carry it. */
export interface Difference {
  /** By the monolith's key columns. */
  readonly key: Readonly<Record<string, string>>;
  /** As the side sees it that doesn't own: it lacks the row, has it alone, or has other values. */
  readonly kind: 'missing' | 'extra' | 'different';
  /** The monolith's names of the columns that differ. */
  readonly columns?: readonly string[];
}

export interface TableResult {
  /** The monolith's table. */
  readonly table: string;
  /** Rows of the monolith's table, as they were counted range by range. */
  readonly rows: number;
  readonly differences: readonly Difference[];
  /** Rows that kept moving, or that the stream did not reach in time. */
  readonly indeterminate: number;
  /** Whether there are more differing rows than were looked at. */
  readonly more: boolean;
}

/** Rows whose foreign key leads nowhere: the replica role, under which rows are applied, does not check it (trap 28). */
export interface Orphans {
  readonly side: 'monolith' | 'service';
  readonly constraint: string;
  readonly table: string;
  readonly references: string;
  /** Null: the role `source` may not read one of the two tables. */
  readonly rows: number | null;
}

export type Verdict = 'equal' | 'different' | 'indeterminate';

export interface VerifyResult {
  readonly verdict: Verdict;
  readonly tables: readonly TableResult[];
  /** Only those that were found, or could not be looked for. */
  readonly orphans: readonly Orphans[];
}

/** One difference is enough; what could not be settled is never equal (trap 55). */
export function verdictOf(tables: readonly Omit<TableResult, 'table' | 'rows'>[]): Verdict {
  if (tables.some((each) => each.differences.length > 0)) return 'different';
  if (tables.some((each) => each.indeterminate > 0 || each.more)) return 'indeterminate';
  return 'equal';
}
