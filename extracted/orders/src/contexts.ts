import { type Answer, type Remote, type RemoteAnswer, RemoteUnavailable } from '@shop/service-kit';
import { z } from 'zod';
import type { OrderItem } from './order.ts';

/** What was asked for: a product and how many of it. */
export interface Wish {
  productId: number;
  quantity: number;
}

/** Thrown when a context refuses a step because its undo came first: another process has taken the saga over. */
export class Overtaken extends Error {
  constructor(context: string) {
    super(`${context} has already undone this order`);
    this.name = 'Overtaken';
  }
}

/** Thrown when the business says no; carries what the customer is answered with. */
export class Refusal extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(`refused with ${answer.status}`);
    this.name = 'Refusal';
    this.answer = answer;
  }
}

/**
 * The contexts that still live in the monolith. Every call is keyed by the order's id and may be repeated; a step
 * that arrives after its undo does nothing. All throw `RemoteUnavailable` when there is no answer.
 */
export interface Contexts {
  /** Sets stock aside and says what each item costs. Throws `Refusal` or `Overtaken`. */
  reserve(orderId: string, wishes: Wish[], signal: AbortSignal): Promise<OrderItem[]>;
  /** What is reserved counts as sold. */
  confirm(orderId: string, signal: AbortSignal): Promise<void>;
  /** Gives back whatever is reserved or sold. */
  release(orderId: string, signal: AbortSignal): Promise<void>;
  /** Takes the money; `amount` has two decimals. Throws `Refusal` or `Overtaken`. */
  charge(orderId: string, amount: string, card: string, signal: AbortSignal): Promise<void>;
  /** Says whether the charge is settled now; false if there is none. */
  settle(orderId: string, signal: AbortSignal): Promise<boolean>;
  /** Gives back whatever was charged, or forbids a charge that comes late. */
  refund(orderId: string, signal: AbortSignal): Promise<void>;
}

const reserved = z.object({
  items: z.array(z.object({ productId: z.number(), quantity: z.number(), unitPrice: z.string() })),
});
const outOfStock = z.object({ error: z.literal('out_of_stock'), productId: z.number() });
const unknownProduct = z.object({ error: z.literal('unknown_product'), productId: z.number() });
const declined = z.object({ error: z.literal('payment_declined') });
const failed = z.object({ error: z.string() });

/** Inventory and payments over HTTP, each behind a circuit breaker of its own. */
export function createContexts(inventory: Remote, payments: Remote): Contexts {
  return {
    async reserve(orderId, items, signal) {
      const answer = await inventory.post(
        '/internal/inventory/reserve',
        { orderId: Number(orderId), items },
        signal,
      );
      if (answer.status === 200) return reserved.parse(answer.body).items;
      if (hasError(answer, 409, 'released')) throw new Overtaken('inventory');
      if (hasError(answer, 409, 'out_of_stock')) {
        throw new Refusal({ status: 409, body: outOfStock.parse(answer.body) });
      }
      if (hasError(answer, 400, 'unknown_product')) {
        throw new Refusal({ status: 400, body: unknownProduct.parse(answer.body) });
      }
      throw unexpected('inventory', answer);
    },
    async confirm(orderId, signal) {
      expectOk('inventory', await inventory.post('/internal/inventory/confirm', keyed(orderId), signal));
    },
    async release(orderId, signal) {
      expectOk('inventory', await inventory.post('/internal/inventory/release', keyed(orderId), signal));
    },
    async charge(orderId, amount, card, signal) {
      const answer = await payments.post(
        '/internal/payments/charge',
        { orderId: Number(orderId), amount, card },
        signal,
      );
      if (answer.status === 200) return;
      if (hasError(answer, 409, 'refunded')) throw new Overtaken('payments');
      if (hasError(answer, 402, 'payment_declined')) {
        throw new Refusal({ status: 402, body: declined.parse(answer.body) });
      }
      throw unexpected('payments', answer);
    },
    async settle(orderId, signal) {
      const answer = await payments.post('/internal/payments/settle', keyed(orderId), signal);
      if (hasError(answer, 409, 'not_charged')) return false;
      expectOk('payments', answer);
      return true;
    },
    async refund(orderId, signal) {
      expectOk('payments', await payments.post('/internal/payments/refund', keyed(orderId), signal));
    },
  };
}

function keyed(orderId: string): { orderId: number } {
  return { orderId: Number(orderId) };
}

function hasError(answer: RemoteAnswer, status: number, error: string): boolean {
  return answer.status === status && failed.safeParse(answer.body).data?.error === error;
}

function expectOk(context: string, answer: RemoteAnswer): void {
  if (answer.status !== 200) throw unexpected(context, answer);
}

function unexpected(context: string, answer: RemoteAnswer): RemoteUnavailable {
  return new RemoteUnavailable(context, new Error(`unexpected answer ${answer.status}`));
}
