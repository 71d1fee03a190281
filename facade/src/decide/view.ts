import type { Epoch, Side, Stage } from '@strangler/ledger';
import type { Lsn } from '@strangler/postgres';

/** The stream that arrives at the side that does not own. Times are the facade's own monotonic clock, in ms. */
export interface Copy {
  readonly applied: Lsn;
  /** A sink holds it and it does not stand still. */
  readonly up: boolean;
  /** How far it was behind at `asOf`. */
  readonly lagMs: number;
  readonly asOf: number;
}

/** A hold that a run asks for. */
export interface RunHold {
  readonly run: string;
  readonly epoch: Epoch;
  readonly until: number;
}

/** What the facade last read from both ledgers about one extraction. */
export interface View {
  readonly stage: Stage;
  /** Routes sent home; `*` is all of them. */
  readonly homes: readonly string[];
  readonly owner: Side;
  readonly epoch: Epoch;
  readonly term: Epoch;
  /** From when the owner may be written: at once (-Infinity), when its fence lapses, or never (Infinity). */
  readonly opensAt: number;
  readonly hold: RunHold | undefined;
  /** Until when the facade may pass writes on. */
  readonly leaseUntil: number;
  readonly copy: Copy | undefined;
  /** No other facade is alive: whatever a client wrote, it wrote here, or carries the cookie. */
  readonly isAlone: boolean;
}

/** What a client's last acknowledged write obliges us to. */
export interface Token {
  readonly side: Side;
  readonly term: Epoch;
  readonly position: Lsn;
}

/** Whether a run's hold is in force: until a side is open at a later epoch, or its time is over. */
export function isHeld(view: View, now: number): boolean {
  const { hold } = view;
  if (!hold || now >= hold.until) return false;
  return !(view.opensAt === -Infinity && view.epoch > hold.epoch);
}

/** Whether the copy shows everything that the token stands for. */
export function hasApplied(view: View, token: Token | undefined): boolean {
  if (!token || token.term < view.term) return true;
  return view.copy !== undefined && token.term === view.term && view.copy.applied >= token.position;
}

/** How far the copy is behind now, in ms. */
export function lagOf(copy: Copy, now: number): number {
  return copy.lagMs + Math.max(0, now - copy.asOf);
}
