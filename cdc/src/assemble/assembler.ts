import type { Begin, Change, ChangeEvent, Commit } from '../source/index.ts';
import { Spool } from './spool.ts';
import { isMarker, type Transaction } from './transaction.ts';

export interface AssemblerOptions {
  /** A transaction beyond this goes to a file. */
  readonly spillBytes: number;
  /** Whether the rows of a transaction of this origin are of no interest; its markers always are. */
  readonly skipRows: (origin: string | null) => boolean;
  readonly onTransaction: (transaction: Transaction) => void;
}

/** What a change costs beside its values. */
const overheadBytes = 120;
const fewChanges = 500;

/** Collects events into whole transactions. Needs a source without streaming and two-phase decoding (trap 13). */
export class Assembler {
  readonly #options: AssemblerOptions;
  #open: OpenTransaction | undefined;

  constructor(options: AssemblerOptions) {
    this.#options = options;
  }

  /** Bytes that the half-sent transaction holds in memory. */
  get openBytes(): number {
    return this.#open?.memoryBytes ?? 0;
  }

  take(event: ChangeEvent, bytes: number): void {
    switch (event.kind) {
      case 'begin':
        // A source that was interrupted may begin again.
        this.#open?.discard();
        this.#open = new OpenTransaction(
          event,
          this.#options.spillBytes,
          this.#options.skipRows(event.origin),
        );
        return;
      case 'commit': {
        const open = this.#open;
        this.#open = undefined;
        if (!open) throw new RangeError('a commit without its begin');
        this.#options.onTransaction(open.finish(event));
        return;
      }
      case 'message':
        // Ours are rows of the ledger, which nobody else can write; a message could be forged by any role.
        return;
      default:
        this.#open?.add(event, bytes + overheadBytes);
    }
  }

  /** Gives up a half-sent transaction: the connection is gone and will send it again. */
  discard(): void {
    this.#open?.discard();
    this.#open = undefined;
  }
}

class OpenTransaction {
  readonly #begin: Begin;
  readonly #spillBytes: number;
  readonly #skipRows: boolean;
  readonly #markers: Change[] = [];
  #changes: Change[] = [];
  #count = 0;
  #spool: Spool | undefined;
  memoryBytes = 0;

  constructor(begin: Begin, spillBytes: number, skipRows: boolean) {
    this.#begin = begin;
    this.#spillBytes = spillBytes;
    this.#skipRows = skipRows;
  }

  add(change: Change, bytes: number): void {
    if (isMarker(change)) {
      this.#markers.push(change);
      return;
    }
    this.#count += 1;
    if (this.#skipRows) return;
    this.#changes.push(change);
    this.memoryBytes += bytes;
    if (this.memoryBytes > this.#spillBytes) this.#spill();
  }

  finish(commit: Commit): Transaction {
    if (this.#spool) this.#spill();
    const [changes, spool] = [this.#changes, this.#spool];
    return {
      position: commit.position,
      commitTime: this.#begin.commitTime,
      origin: this.#begin.origin,
      changes: this.#count,
      bytes: this.memoryBytes + overheadBytes,
      markers: this.#markers,
      few: !spool && changes.length <= fewChanges ? changes : undefined,
      pieces: () => (spool ? spool.pieces() : inMemory(changes)),
      discard: () => spool?.close(),
    };
  }

  discard(): void {
    this.#spool?.close();
  }

  #spill(): void {
    this.#spool ??= new Spool();
    this.#spool.write(this.#changes);
    this.#changes = [];
    this.memoryBytes = 0;
  }
}

async function* inMemory(changes: readonly Change[]): AsyncGenerator<readonly Change[]> {
  if (changes.length > 0) yield changes;
}
