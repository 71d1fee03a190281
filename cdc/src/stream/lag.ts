import type { Lsn } from '@strangler/postgres';
import type { Lag } from '../apply/index.ts';

interface Sample {
  readonly position: Lsn;
  /** On our monotonic clock. */
  readonly atMs: number;
}

/**
 * How far a stream is behind: the time since the source was first seen beyond what is applied. Taken on one monotonic
 * clock, so that no two clocks are compared; and, for a transaction, from its commit on the source's own clock.
 */
export class LagMeter {
  #samples: Sample[] = [];
  #latest: Lsn | undefined;

  /** The source is at the position now, or has been since `sinceMs` ago. */
  sample(position: Lsn, sinceMs = 0): void {
    this.#samples.push({ position, atMs: performance.now() - sinceMs });
    this.#latest = position;
    // A stream that stands still for hours needs only the oldest and the newest.
    if (this.#samples.length > 1_000) this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
  }

  lag(applied: Lsn, commit?: { timeMs: number; sourceNowMs: number }): Lag {
    this.#samples = this.#samples.filter((sample) => sample.position > applied);
    const [oldest] = this.#samples;
    const behindMs = oldest ? performance.now() - oldest.atMs : 0;
    const sinceCommitMs = commit ? commit.sourceNowMs - commit.timeMs : 0;
    return {
      bytes: this.#latest !== undefined && this.#latest > applied ? this.#latest - applied : 0n,
      ms: Math.max(0, Math.round(Math.max(behindMs, sinceCommitMs))),
    };
  }
}
