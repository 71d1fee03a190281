import { setImmediate } from 'node:timers/promises';

/** Records that are taken at a stretch: less than a millisecond, which an answer of the target waits. */
const turnRecords = 100;

/** When records may be taken. What has come and may not be waits as the bytes that it is, which cost little. */
export class Flow {
  #gate: PromiseWithResolvers<void> | undefined;
  #isOver = false;
  #taken = 0;

  /** Nothing more is taken until `resume`, beyond the turn that is under way. */
  pause(): void {
    if (!this.#isOver) this.#gate ??= Promise.withResolvers();
  }

  get isPaused(): boolean {
    return this.#gate !== undefined;
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** What is still on its way is passed over. */
  end(): void {
    this.#isOver = true;
    this.resume();
  }

  /** Takes records as it may; from time to time the target's answers have their turn, so that it works while we read on. */
  async takeAll<T>(records: Iterable<T>, take: (record: T) => void): Promise<void> {
    await this.#gate?.promise;
    for (const record of records) {
      if (this.#isOver) return;
      take(record);
      this.#taken += 1;
      if (this.#taken % turnRecords > 0) continue;
      await setImmediate();
      await this.#gate?.promise;
    }
  }
}
