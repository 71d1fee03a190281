import type { Db } from '../database.ts';
import { settle } from '../payments/settle.ts';
import { notFound, Refusal } from '../web/refusal.ts';
import { lockOrder } from './lock-order.ts';

/**
 * Settles an order's charge and marks the order paid. Asked again it does nothing.
 * Throws 404 for an unknown order, 409 when it is not one that can be paid.
 */
export function markPaid(db: Db, orderId: number): Promise<void> {
  return db.transaction(async (trx) => {
    const order = await lockOrder(trx, orderId);
    if (!order) throw notFound();
    if (order.status === 'paid') return;
    if (order.status !== 'placed' || !(await settle(trx, orderId))) throw new Refusal(409, 'not_payable');
    await trx('shop.orders').where({ id: orderId }).update({ status: 'paid' });
  });
}
