import { type Answer, notOwner } from '@shop/service-kit';
import { settleSaga } from './compensate.ts';
import { findOrder } from './order-rows.ts';
import type { Orders } from './orders.ts';
import { holding } from './sagas.ts';

/** How long the customer waits for stock and money to be given back, in milliseconds; recovery does it later. */
const SETTLE_MS = 2_000;

/** Cancels the customer's order and gives back stock and money. A second cancel is answered like the first. */
export async function cancelOrder(orders: Orders, orderId: string, customerId: string): Promise<Answer> {
  if (!(await orders.owns())) return notOwner;
  const { rows } = await orders.pool.query<{ saga_id: string; order_id: string }>(
    `with cancelled as (
       update orders.customer_order set state = 'cancelled'
       where order_id = $1 and customer_id = $2 and state in ('pending', 'placed', 'paid')
       returning order_id, customer_id
     )
     insert into orders.saga (kind, state, order_id, customer_id, holder, lease_until)
     select 'cancel', 'compensating', order_id, customer_id, $3, clock_timestamp() + $4 * interval '1 ms'
     from cancelled
     returning saga_id, order_id`,
    [orderId, customerId, orders.holder.id, orders.holder.leaseMs],
  );
  const begun = rows[0];
  if (begun !== undefined) {
    const saga = { sagaId: begun.saga_id, orderId: begun.order_id };
    await holding(orders.holder, saga, () => settleSaga(orders, saga, 'compensating', SETTLE_MS));
  }
  const order = await findOrder(orders.pool, orderId, customerId);
  if (order === undefined) return { status: 404, body: { error: 'not_found' } };
  if (order.status !== 'cancelled') return { status: 409, body: { error: 'not_cancellable' } };
  return { status: 200, body: order };
}
