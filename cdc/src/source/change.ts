import type { Lsn, TableName } from '@strangler/postgres';

/** A value that the source did not send, since the update left it alone (trap 3). Survives JSON, unlike `undefined`. */
export const unchanged = 0;

/** A column's value as the text that the source printed, null, or `unchanged`. */
export type Cell = string | null | typeof unchanged;

/** A row, in the order of its relation's columns. */
export type Cells = readonly Cell[];

export interface RelationColumn {
  readonly name: string;
  /** Part of what identifies a row in updates and deletes. */
  readonly key: boolean;
  readonly typeOid: number;
}

/** A table as the source described it before its first change. */
export interface Relation extends TableName {
  readonly columns: readonly RelationColumn[];
}

/** A change of a transaction. `old` of an update is there when its key changed, or when the source always sends it. */
export type Change =
  | { readonly kind: 'insert'; readonly relation: Relation; readonly row: Cells }
  | {
      readonly kind: 'update';
      readonly relation: Relation;
      readonly old: Cells | null;
      readonly row: Cells;
    }
  | { readonly kind: 'delete'; readonly relation: Relation; readonly old: Cells }
  | { readonly kind: 'truncate'; readonly relations: readonly Relation[] };

export interface Begin {
  readonly kind: 'begin';
  /** Source commit time, as text that PostgreSQL reads. */
  readonly commitTime: string;
  /** The replication origin that the transaction was written under; null for one of the source's own. */
  readonly origin: string | null;
}

export interface Commit {
  readonly kind: 'commit';
  /** The end of the commit: whoever has applied up to here has this transaction. */
  readonly position: Lsn;
}

export interface LogicalMessage {
  readonly kind: 'message';
  readonly prefix: string;
  readonly content: Uint8Array;
}

/** What a source tells, whichever it is: the rest of the pipeline cannot tell pgoutput from another. */
export type ChangeEvent = Begin | Change | LogicalMessage | Commit;
