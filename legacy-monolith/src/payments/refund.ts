import type { Db } from '../database.ts';
import { claimPayment, lockPayment } from './payment.ts';

/**
 * Gives an order's money back, once. An order that never paid is marked as voided, so that a charge that arrives
 * late does nothing.
 */
export async function refund(trx: Db, orderId: number): Promise<'refunded' | 'voided'> {
  const isNew = await claimPayment(trx, orderId, { amount: '0.00', state: 'voided', cardLast4: null });
  if (isNew) return 'voided';
  const payment = await lockPayment(trx, orderId);
  if (payment?.state === 'refunded' || payment?.state === 'voided') return payment.state;
  const paid = payment?.state === 'charged' || payment?.state === 'settled';
  const state = paid ? 'refunded' : 'voided';
  await trx('shop.payments')
    .where({ order_id: orderId })
    .update({ state, ...(paid ? { refunded: trx.ref('amount') } : {}) });
  return state;
}
