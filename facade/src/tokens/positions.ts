import { type Lsn, parseLsn, type Sql } from '@strangler/postgres';

/**
 * Reads a database's insert position for whoever asks. One query at a time: everybody who asks while it is under way
 * shares the next, which starts after all of their writes were answered.
 */
export class Positions {
  readonly #sql: Sql;
  readonly #boundMs: number;
  #running: Promise<Lsn> | undefined;
  #next: Promise<Lsn> | undefined;

  constructor(sql: Sql, boundMs = 1_000) {
    this.#sql = sql;
    this.#boundMs = boundMs;
  }

  /** A position not before any commit that was answered before this call. Rejects when it cannot be read in time. */
  now(): Promise<Lsn> {
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<Lsn> {
    this.#running = this.#read().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #read(): Promise<Lsn> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no position within ${this.#boundMs} ms`)), this.#boundMs);
    });
    try {
      const answer = this.#sql.query('SELECT pg_current_wal_insert_lsn() AS position');
      const { rows } = await Promise.race([answer, late]);
      return parseLsn(rows[0]?.['position'] ?? '');
    } finally {
      clearTimeout(timer);
    }
  }
}
