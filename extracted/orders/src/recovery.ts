import { undo } from './compensate.ts';
import type { Orders } from './orders.ts';
import {
  finishSaga,
  forgetFinished,
  holding,
  type Inherited,
  letGo,
  renewLeases,
  takeOver,
} from './sagas.ts';

const BATCH = 20;
const CALL_MS = 5_000;
const LONGEST_DELAY_MS = 30_000;
const FORGET_EVERY_MS = 60_000;

export interface Recovery {
  /** Ends after the round that is under way. */
  stop(): Promise<void>;
}

/**
 * Finishes what crashes and outages left undone, now and every `intervalMs`, until the contexts have answered; and
 * keeps the leases of the sagas that this process is working on.
 */
export function startRecovery(orders: Orders, intervalMs: number): Recovery {
  const stopped = new AbortController();
  const rounds = [
    repeat(orders, intervalMs, stopped.signal, () => recoverRound(orders, stopped.signal)),
    repeat(orders, orders.holder.leaseMs / 4, stopped.signal, () => renewLeases(orders.pool, orders.holder)),
    repeat(orders, FORGET_EVERY_MS, stopped.signal, () => forgetFinished(orders.pool)),
  ];
  return {
    async stop() {
      stopped.abort();
      await Promise.all(rounds);
    },
  };
}

/** Takes every saga without a living holder as far as the contexts allow, a batch at a time. */
async function recoverRound(orders: Orders, stopped: AbortSignal): Promise<void> {
  for (;;) {
    const inherited = await takeOver(orders.pool, orders.holder, BATCH);
    await Promise.all(inherited.map((saga) => holding(orders.holder, saga, () => recover(orders, saga))));
    if (inherited.length < BATCH || stopped.aborted) return;
  }
}

async function recover(orders: Orders, saga: Inherited): Promise<void> {
  const signal = AbortSignal.timeout(CALL_MS);
  try {
    if (saga.state === 'placed') await orders.contexts.confirm(saga.orderId, signal);
    else await undo(orders.contexts, saga.orderId, signal);
    await finishSaga(orders.pool, saga, saga.state);
    orders.logger.info(
      { orderId: saga.orderId, from: saga.state, attempts: saga.attempts },
      'saga recovered',
    );
  } catch (error) {
    orders.logger.warn(
      { err: error, orderId: saga.orderId, attempts: saga.attempts },
      'recovery will try again',
    );
    await letGo(orders.pool, saga, String(error), delayAfter(saga.attempts));
  }
}

/** How long to wait after so many attempts, in milliseconds: doubling, up to half a minute. */
export function delayAfter(attempts: number): number {
  return Math.min(LONGEST_DELAY_MS, 250 * 2 ** Math.min(attempts, 10));
}

async function repeat(
  orders: Orders,
  intervalMs: number,
  stopped: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!stopped.aborted) {
    await work().catch((error: unknown) => orders.logger.warn({ err: error }, 'a round of recovery failed'));
    await pause(intervalMs, stopped);
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopped.addEventListener('abort', end);
  });
}
