import type { OwnerState } from '@strangler/ledger';

/** Positions become the checkpoint this often while clients write and read their own writes back. */
const busyMs = 25;
/** And this often when nothing of ours changes: each write of one side is news for the other, for ever. */
const idleMs = 100;
const echoMs = 250;
/** A checkpoint that does not move is renewed, so that its age tells a living stream from a dead one. */
const renewMs = 400;
const busyForMs = 2_000;

/** When an idle stream asks for the source's position, and when it writes it down. */
export class Pace {
  #dataAt = Number.NEGATIVE_INFINITY;
  #writtenAt = Number.NEGATIVE_INFINITY;
  readonly #sourceState: () => OwnerState;

  constructor(sourceState: () => OwnerState) {
    this.#sourceState = sourceState;
  }

  /** Milliseconds between questions to the source, and between checkpoints that only move the position. */
  everyMs(): number {
    if (this.#sourceState() === 'closed') return echoMs;
    return performance.now() - this.#dataAt < busyForMs ? busyMs : idleMs;
  }

  /** Milliseconds until the next checkpoint is due; `moved`: there is a new position to write. */
  dueInMs(moved: boolean): number {
    return this.#writtenAt + (moved ? this.everyMs() : renewMs) - performance.now();
  }

  wrote(data: boolean): void {
    this.#writtenAt = performance.now();
    if (data) this.#dataAt = this.#writtenAt;
  }
}
