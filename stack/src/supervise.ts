import { isAbort, messageOf, pause } from '@strangler/errors';
import type { Log } from './log.ts';

/** A started part: one process, or one PostgreSQL server. */
export interface Running {
  readonly pid: number;
  /** Settles when it has ended, with its exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const firstWaitMs = 200;
const longestWaitMs = 10_000;
/** A part that ran this long was well: its next restart waits no longer than the first. */
const wellAfterMs = 10_000;

/** Keeps one part running: when it dies it is started again, after a wait that doubles up to ten seconds. */
export class Supervised {
  readonly name: string;
  readonly #launch: (signal: AbortSignal) => Promise<Running>;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #running: Running | undefined;
  #watching: Promise<void> | undefined;
  #ready = Promise.withResolvers<void>();
  #restarts = 0;

  constructor(name: string, launch: (signal: AbortSignal) => Promise<Running>, log: Log) {
    this.name = name;
    this.#launch = launch;
    this.#log = log;
  }

  /** The process id, while it runs. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Resolves as soon as the part is ready: at once unless it is down. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Starts it; a part that doesn't come up the first time is an error, later on it is tried again. */
  async start(): Promise<void> {
    this.#running = await this.#launch(this.#stopping.signal);
    this.#ready.resolve();
    this.#watching = this.#watch(this.#running);
  }

  kill(signal: NodeJS.Signals): void {
    this.#running?.kill(signal);
  }

  /** Ends the part and the watch over it. Safe to call again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const running = this.#running;
    running?.kill('SIGCONT');
    await running?.stop();
    await this.#watching;
  }

  async #watch(first: Running): Promise<void> {
    let running: Running | undefined = first;
    let waitMs = firstWaitMs;
    while (!this.#stopping.signal.aborted) {
      const since = performance.now();
      const code = running ? await running.exited : undefined;
      if (this.#stopping.signal.aborted) return;
      if (running) {
        this.#running = undefined;
        this.#ready = Promise.withResolvers();
        this.#log(this.name, `ended (${code ?? 'by a signal'}); it will be started again`);
        if (performance.now() - since > wellAfterMs) waitMs = firstWaitMs;
      }
      running = await this.#relaunch(waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
  }

  async #relaunch(waitMs: number): Promise<Running | undefined> {
    try {
      await pause(waitMs, this.#stopping.signal);
      this.#restarts += 1;
      const running = await this.#launch(this.#stopping.signal);
      this.#running = running;
      if (this.#stopping.signal.aborted) await running.stop();
      this.#ready.resolve();
      this.#log(this.name, 'runs again');
      return running;
    } catch (error) {
      if (!isAbort(error)) this.#log(this.name, `did not start: ${messageOf(error)}`);
      return undefined;
    }
  }
}
