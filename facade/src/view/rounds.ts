import { pause } from '@strangler/errors';

/**
 * Does the same round again and again, one at a time, `everyMs` apart, each with a deadline. A round that overran its
 * deadline is left behind: whatever it still finds out no longer counts.
 */
export class Rounds {
  readonly #round: (isCurrent: () => boolean) => Promise<void>;
  readonly #everyMs: () => number;
  readonly #deadlineMs: number;
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: {
    round: (isCurrent: () => boolean) => Promise<void>;
    everyMs: () => number;
    deadlineMs: number;
  }) {
    this.#round = options.round;
    this.#everyMs = options.everyMs;
    this.#deadlineMs = options.deadlineMs;
  }

  start(): void {
    const { signal } = this.#ended;
    const loop = async () => {
      while (!signal.aborted) {
        await this.now();
        await pause(this.#everyMs(), signal).catch(() => {});
      }
    };
    this.#loop = loop();
  }

  /** A round that begins after this call; callers while one is under way share the next. Never rejects. */
  now(): Promise<void> {
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  /** Ends the rounds; waits at most for the deadline of the one under way. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#loop;
    await this.#running;
  }

  #begin(): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.resolve();
    let current = true;
    let timer: NodeJS.Timeout | undefined;
    const overrun = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#deadlineMs);
    });
    const round = this.#round(() => current);
    this.#running = Promise.race([round, overrun]).finally(() => {
      current = false;
      clearTimeout(timer);
      this.#running = undefined;
    });
    return this.#running;
  }
}
