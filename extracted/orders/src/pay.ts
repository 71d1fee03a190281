import { type Answer, notOwner } from '@shop/service-kit';
import type { Orders } from './orders.ts';

const notPayable: Answer = { status: 409, body: { error: 'not_payable' } };

/**
 * Takes note that an order was paid: payments settles the charge first, then the order says so. A callback that
 * died in between is sent again by its sender and finds the charge settled.
 */
export async function settleOrder(orders: Orders, orderId: string, signal: AbortSignal): Promise<Answer> {
  if (!(await orders.owns())) return notOwner;
  const { rows } = await orders.pool.query<{ state: string }>(
    'select state from orders.customer_order where order_id = $1',
    [orderId],
  );
  const state = rows[0]?.state;
  if (state === undefined) return { status: 404, body: { error: 'not_found' } };
  const paid: Answer = { status: 200, body: { orderId: Number(orderId), status: 'paid' } };
  if (state === 'paid') return paid;
  if (state !== 'placed') return notPayable;
  if (!(await orders.contexts.settle(orderId, signal))) return notPayable;
  const { rowCount } = await orders.pool.query(
    `update orders.customer_order set state = 'paid' where order_id = $1 and state in ('placed', 'paid')`,
    [orderId],
  );
  return rowCount === 1 ? paid : notPayable;
}
