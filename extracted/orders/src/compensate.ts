import type { Contexts } from './contexts.ts';
import type { Orders } from './orders.ts';
import { finishSaga, letGo, type OpenState, type Saga } from './sagas.ts';

/** Takes back what the contexts did for an order. Writes no table that is carried anywhere. */
export async function undo(contexts: Contexts, orderId: string, signal: AbortSignal): Promise<void> {
  const undone = await Promise.allSettled([
    contexts.release(orderId, signal),
    contexts.refund(orderId, signal),
  ]);
  const failure = undone.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/**
 * Tells the contexts how a saga ended and finishes it; when they can't be told, leaves it to recovery. The answer to
 * the customer no longer depends on it, hence nothing is thrown.
 */
export async function settleSaga(
  orders: Orders,
  saga: Saga,
  state: OpenState,
  limitMs: number,
): Promise<void> {
  const signal = AbortSignal.timeout(limitMs);
  try {
    if (state === 'placed') await orders.contexts.confirm(saga.orderId, signal);
    else await undo(orders.contexts, saga.orderId, signal);
    await finishSaga(orders.pool, saga, state);
  } catch (error) {
    orders.logger.warn({ err: error, orderId: saga.orderId, state }, 'left to recovery');
    await letGo(orders.pool, saga, String(error), 500).catch((problem: unknown) =>
      orders.logger.warn(
        { err: problem, orderId: saga.orderId },
        'recovery takes over when the lease is over',
      ),
    );
  }
}
