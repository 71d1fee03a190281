import type { Db } from '../database.ts';
import { release } from '../inventory/release.ts';
import { refund } from '../payments/refund.ts';
import { notFound, Refusal } from '../web/refusal.ts';
import { lockOrder } from './lock-order.ts';
import { findOrder, type Order } from './order.ts';

/**
 * Cancels the user's order, gives its pieces back to the stock and its money to the user. Asked again it does nothing.
 * Throws 404 when the order isn't the user's, 409 when it has been shipped.
 */
export function cancelOrder(db: Db, userId: number, orderId: number): Promise<Order> {
  return db.transaction(async (trx) => {
    const held = await lockOrder(trx, orderId);
    if (held?.userId !== userId) throw notFound();
    if (held.status === 'shipped') throw new Refusal(409, 'not_cancellable');
    if (held.status !== 'cancelled') {
      await release(trx, orderId);
      await refund(trx, orderId);
      await trx('shop.orders').where({ id: orderId }).update({ status: 'cancelled' });
    }
    const order = await findOrder(trx, userId, orderId);
    if (!order) throw new Error(`order ${orderId} disappeared while it was locked`);
    return order;
  });
}
