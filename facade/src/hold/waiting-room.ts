import type { ServerResponse } from 'node:http';

/** How a wait ended: its condition may be met, its time is over, or the client has gone. */
export type Waited = 'woken' | 'late' | 'gone';

interface Waiter {
  readonly isOver: () => boolean;
  readonly end: (how: Waited) => void;
}

/**
 * Requests that wait for the view to change, bodies unread, in the order in which they came. Each has its own bound by
 * the monotonic clock, and a client that goes away frees its place.
 */
export class WaitingRoom {
  readonly #waiters = new Set<Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  /** Waits until `isOver` says so at a change, at most `boundMs`. */
  wait(response: ServerResponse, boundMs: number, isOver: () => boolean): Promise<Waited> {
    return new Promise((resolve) => {
      const end = (how: Waited) => {
        if (!this.#waiters.delete(waiter)) return;
        clearTimeout(timer);
        response.off('close', gone);
        resolve(how);
      };
      const gone = () => end('gone');
      const timer = setTimeout(() => end('late'), Math.max(0, boundMs));
      const waiter: Waiter = { isOver, end };
      this.#waiters.add(waiter);
      response.once('close', gone);
      if (response.destroyed) gone();
    });
  }

  /** Looks again at each waiter, in order. */
  changed(): void {
    for (const waiter of this.#waiters) if (waiter.isOver()) waiter.end('woken');
  }
}
