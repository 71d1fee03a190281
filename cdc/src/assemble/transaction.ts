import type { Lsn } from '@strangler/postgres';
import type { Change } from '../source/index.ts';

/** A whole transaction of the source. It is applied whole or not at all (trap 31). */
export interface Transaction {
  /** The end of its commit. */
  readonly position: Lsn;
  /** As text that PostgreSQL reads. */
  readonly commitTime: string;
  readonly origin: string | null;
  /** Changes of rows; markers are not among them. */
  readonly changes: number;
  /** What it occupies in memory, about. */
  readonly bytes: number;
  /** Changes of `strangler.ownership`, in order. */
  readonly markers: readonly Change[];
  /** Its changes in order, if they are few and in memory: what most transactions are is read without waiting. */
  readonly few: readonly Change[] | undefined;
  /** Its changes in order, in pieces of bounded size; may be read again. */
  pieces(): AsyncIterable<readonly Change[]>;
  /** Gives up what it holds; it cannot be read any more. */
  discard(): void;
}

/** Whether a change belongs to the ledger's published table. */
export function isMarker(change: Change): boolean {
  return (
    change.kind !== 'truncate' &&
    change.relation.schema === 'strangler' &&
    change.relation.name === 'ownership'
  );
}
