import { setTimeout as delay } from 'node:timers/promises';
import {
  type Answer,
  NOT_OWNER,
  notOwner,
  RemoteUnavailable,
  sqlState,
  unavailable,
} from '@shop/service-kit';
import { settleSaga } from './compensate.ts';
import { Overtaken, Refusal } from './contexts.ts';
import { invalidRequest } from './input.ts';
import { formatCents, parseCents } from './money.ts';
import type { OrderItem } from './order.ts';
import { findOrder } from './order-rows.ts';
import type { Orders } from './orders.ts';
import { fingerprint, type PlacingRequest } from './placing-request.ts';
import { recordOrder } from './record-order.ts';
import { storedAnswer } from './request-keys.ts';
import {
  claimSaga,
  dropClaim,
  holding,
  isPlaced,
  letGo,
  requestAtWork,
  type Saga,
  turnBack,
} from './sagas.ts';

/** How often a request looks whether its twin is through, in milliseconds. */
const TWIN_POLL_MS = 20;
/** The most that one order may cost: ten digits before the decimals. */
const MOST_CENTS = 999_999_999_999n;
const tooMuch = invalidRequest([{ path: 'items', message: 'more than one order can cost' }]);
/** How long the customer waits for the contexts to hear how it ended, in milliseconds; recovery does it later. */
const SETTLE_MS = 1_000;

/**
 * Places an order: stock is reserved, the card charged, then the order is written; each step is undone if a later
 * one fails, also after a crash. `signal` is the request's deadline.
 */
export async function placeOrder(
  orders: Orders,
  request: PlacingRequest,
  signal: AbortSignal,
): Promise<Answer> {
  if (!(await orders.owns())) return notOwner;
  const claimed = await claim(orders, request, signal);
  if ('answer' in claimed) return claimed.answer;
  const { saga } = claimed;
  return holding(orders.holder, saga, () => runSaga(orders, saga, request, signal));
}

async function runSaga(
  orders: Orders,
  saga: Saga,
  request: PlacingRequest,
  signal: AbortSignal,
): Promise<Answer> {
  let items: OrderItem[];
  try {
    items = await orders.contexts.reserve(saga.orderId, request.items, signal);
  } catch (error) {
    if (!(error instanceof RemoteUnavailable && error.notSent)) return giveUp(orders, saga, request, error);
    // Nobody was asked for anything, so there is nothing to take back.
    await dropClaim(orders.pool, saga);
    return unavailable;
  }
  try {
    const total = totalOf(items);
    await orders.contexts.charge(saga.orderId, total, request.card, signal);
    const order = await recordOrder(orders.pool, saga, request, items, total);
    if (order === undefined) throw new Overtaken('recovery');
    await settleSaga(orders, saga, 'placed', SETTLE_MS);
    return { status: 201, body: order };
  } catch (error) {
    return giveUp(orders, saga, request, error);
  }
}

/** Becomes the one request at work under its key, or learns what its twin was answered with. */
async function claim(
  orders: Orders,
  request: PlacingRequest,
  signal: AbortSignal,
): Promise<{ saga: Saga } | { answer: Answer }> {
  const { pool, holder } = orders;
  const { customerId, key } = request;
  if (key === undefined) {
    const saga = await claimSaga(pool, holder, customerId, undefined);
    if (saga === undefined) throw new Error('a request without a key met a twin');
    return { saga };
  }
  const print = fingerprint(request);
  for (;;) {
    const saga = await claimSaga(pool, holder, customerId, key);
    if (saga !== undefined) {
      // Looked up only now: whatever twin there was has ended, and none can begin.
      const ended = await storedAnswer(pool, customerId, key, print);
      if (ended === undefined) return { saga };
      await dropClaim(pool, saga);
      return { answer: ended };
    }
    while (await requestAtWork(pool, customerId, key)) {
      if (signal.aborted) return { answer: unavailable };
      await delay(TWIN_POLL_MS);
    }
  }
}

function totalOf(items: OrderItem[]): string {
  const cents = items.reduce((sum, item) => sum + parseCents(item.unitPrice) * BigInt(item.quantity), 0n);
  if (cents > MOST_CENTS) throw new Refusal(tooMuch);
  return formatCents(cents);
}

/** Turns back, if the order was not written after all, and says to the customer why. */
async function giveUp(orders: Orders, saga: Saga, request: PlacingRequest, error: unknown): Promise<Answer> {
  if (!(error instanceof Refusal)) {
    orders.logger.warn({ err: error, orderId: saga.orderId }, 'placing an order failed');
  }
  if (await turnBack(orders.pool, saga, String(error))) {
    await settleSaga(orders, saga, 'compensating', SETTLE_MS);
    return answerTo(error);
  }
  // The commit may have succeeded although its answer was lost.
  if (!(await isPlaced(orders.pool, saga))) return unavailable;
  await letGo(orders.pool, saga, 'placed, but the answer was lost', 0);
  const order = await findOrder(orders.pool, saga.orderId, request.customerId);
  return order === undefined ? unavailable : { status: 201, body: order };
}

function answerTo(error: unknown): Answer {
  if (error instanceof Refusal) return error.answer;
  if (error instanceof RemoteUnavailable || error instanceof Overtaken) return unavailable;
  if (sqlState(error) === NOT_OWNER) return notOwner;
  throw error;
}
