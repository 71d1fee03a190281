import { type Item, type PricedItem, priceItems } from '../catalog/price-items.ts';
import { type Db, violatedConstraint } from '../database.ts';
import { confirm } from '../inventory/confirm.ts';
import { reserve } from '../inventory/reserve.ts';
import { charge } from '../payments/charge.ts';
import { fromCents, toCents } from '../payments/money.ts';
import { Refusal, unauthenticated } from '../web/refusal.ts';
import { claimKey, rememberAnswer } from './idempotency.ts';
import { CREATED_AT, type Order } from './order.ts';
import { requestHash } from './order-request.ts';

export interface OrderToPlace {
  userId: number;
  items: readonly Item[];
  card: string;
  /** The client's name for this order, so that it can safely ask twice. */
  key?: string | undefined;
}

export interface PlacedOrder {
  order: Order;
  /** True when it is the answer to an earlier request with the same key. */
  replayed: boolean;
}

/** The most that a `numeric(12,2)` holds. */
const MOST_CENTS = 999_999_999_999n;

/**
 * Places an order: one transaction over orders, inventory and payments, all of it or nothing.
 * Throws what the caller is refused with: 400 unknown product, 409 out of stock, 402 declined, 422 key reused, 401
 * when the user has been deleted.
 */
export async function placeOrder(db: Db, wish: OrderToPlace): Promise<PlacedOrder> {
  try {
    return await db.transaction((trx) => placeWithin(trx, wish));
  } catch (error) {
    if (violatedConstraint(error) === 'orders_user_id_fkey') throw unauthenticated();
    throw error;
  }
}

async function placeWithin(trx: Db, wish: OrderToPlace): Promise<PlacedOrder> {
  const hash = requestHash(wish.items, wish.card);
  const earlier = wish.key === undefined ? undefined : await claimKey(trx, wish.userId, wish.key, hash);
  if (earlier) return { order: earlier, replayed: true };
  const priced = await priceItems(trx, wish.items);
  const order = await insertOrder(trx, wish.userId, priced);
  await reserve(trx, order.id, wish.items);
  const outcome = await charge(trx, order.id, order.total, wish.card);
  if (outcome !== 'charged') throw new Refusal(402, 'payment_declined');
  await confirm(trx, order.id);
  if (wish.key !== undefined) await rememberAnswer(trx, wish.userId, wish.key, hash, order);
  return { order, replayed: false };
}

async function insertOrder(trx: Db, userId: number, items: PricedItem[]): Promise<Order> {
  const cents = items.reduce((sum, item) => sum + toCents(item.unitPrice) * BigInt(item.quantity), 0n);
  if (cents > MOST_CENTS) throw new Refusal(400, 'invalid_request', { issues: [tooMuch] });
  const total = fromCents(cents);
  const [placed] = await trx('shop.orders')
    .insert({ user_id: userId, status: 'placed', total })
    .returning<{ id: number; createdAt: string }[]>(['id', trx.raw(`${CREATED_AT} as "createdAt"`)]);
  if (!placed) throw new Error('the order was not inserted');
  await trx('shop.order_items').insert(
    items.map((item, index) => ({
      order_id: placed.id,
      line_no: index + 1,
      product_id: item.productId,
      quantity: item.quantity,
      unit_price: item.unitPrice,
    })),
  );
  return { id: placed.id, status: 'placed', total, items, createdAt: placed.createdAt };
}

const tooMuch = { path: 'items', message: 'more than one order can cost' };
