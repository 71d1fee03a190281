import { type Lsn, laterLsn } from '@strangler/postgres';
import type { Transaction } from './transaction.ts';

/** What can be applied together: whole transactions, and the position that is reached when they are. */
export interface Batch {
  readonly transactions: readonly Transaction[];
  readonly position: Lsn | undefined;
}

type Entry = Transaction | Lsn;

/** Received and not yet applied, in commit order. Positions are kept in line, so that none overtakes a transaction. */
export class Backlog {
  readonly #entries: Entry[] = [];
  #first = 0;
  #bytes = 0;
  #wake: (() => void) | undefined;

  /** Bytes in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#first === this.#entries.length;
  }

  add(transaction: Transaction): void {
    this.#entries.push(transaction);
    this.#bytes += transaction.bytes;
    this.#wake?.();
  }

  /** The source has sent everything before the position. */
  reach(position: Lsn): void {
    const last = this.#entries.length - 1;
    if (last >= this.#first && typeof this.#entries[last] === 'bigint') this.#entries[last] = position;
    else this.#entries.push(position);
    this.#wake?.();
  }

  /** Whole transactions up to about so many changes; one with a marker ends the batch. */
  take(changesMax: number): Batch {
    const transactions: Transaction[] = [];
    let position: Lsn | undefined;
    let changes = 0;
    while (this.#first < this.#entries.length && changes < changesMax) {
      const entry = this.#entries[this.#first];
      this.#first += 1;
      if (entry === undefined) break;
      const reached = typeof entry === 'bigint' ? entry : entry.position;
      position = position === undefined ? reached : laterLsn(position, reached);
      if (typeof entry === 'bigint') continue;
      this.#bytes -= entry.bytes;
      transactions.push(entry);
      changes += entry.changes;
      if (entry.markers.length > 0) break;
    }
    this.#compact();
    return { transactions, position };
  }

  /** Resolves when there is something to take, after so many milliseconds, or when the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.empty || signal.aborted || ms <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, ms));
    this.#wake = resolve;
    const stop = () => resolve();
    signal.addEventListener('abort', stop, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    this.#wake = undefined;
  }

  /** Gives up what was not taken. */
  discard(): void {
    for (const entry of this.#entries.slice(this.#first)) if (typeof entry !== 'bigint') entry.discard();
    this.#entries.length = 0;
    this.#first = 0;
    this.#bytes = 0;
  }

  #compact(): void {
    if (this.#first < 1_000 && this.#first < this.#entries.length) return;
    this.#entries.splice(0, this.#first);
    this.#first = 0;
  }
}
