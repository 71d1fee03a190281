import type { ColumnMapping, TableMapping } from '@strangler/config';
import type { ErrorCode } from '@strangler/errors';
import type { Direction } from '@strangler/ledger';
import type { TableName } from '@strangler/postgres';
import type { ColumnFacts, TableFacts } from '../catalog/index.ts';

/** One column's way from the side that a stream starts at to the side where it arrives. */
export interface ColumnPlan {
  readonly source: string;
  readonly target: string;
  /** format_type of the source column. */
  readonly sourceType: string;
  /** The type as which the source value's text is read in the TARGET database: its own if every server knows it, a domain's base type, else `text`. */
  readonly readAs: string;
  readonly targetType: string;
  /** Part of the primary key, on both sides. */
  readonly key: boolean;
  /** SQL over SOURCE column names that gives the target's value (config `from` forward, `back` reverse). */
  readonly expression?: string;
  readonly targetIdentityAlways: boolean;
}

/** A sequence that both sides know by one key, `schema.table.column` of the monolith; qualified and quoted, or null. */
export interface SequencePlan {
  readonly key: string;
  readonly source: string | null;
  readonly target: string | null;
}

/** How rows of one table are read at the source and written at the target. */
export interface TablePlan {
  readonly source: TableName;
  readonly target: TableName;
  /** Only mapped, non-generated columns, in the source's order. */
  readonly columns: readonly ColumnPlan[];
  readonly sequences: readonly SequencePlan[];
}

/** Why a table cannot be carried, in the words that a person reads. */
export interface PlanIssue {
  readonly code: Extract<ErrorCode, 'CONFIG_INVALID' | 'CHECK_FAILED'>;
  readonly table: TableName;
  readonly fact: string;
  readonly remedy: string;
}

/** A mapping with the facts of both tables, seen in a stream's direction. */
export interface Carried {
  readonly mapping: TableMapping;
  readonly direction: Direction;
  readonly source: TableFacts;
  readonly target: TableFacts;
  readonly pairs: readonly Pair[];
}

/** A column that is carried: its facts on both sides; undefined where there is no such column. */
export interface Pair {
  readonly sourceName: string;
  readonly targetName: string;
  readonly source: ColumnFacts | undefined;
  readonly target: ColumnFacts | undefined;
  readonly mapping: ColumnMapping | undefined;
  readonly expression: string | undefined;
}
