import type { Db } from '../database.ts';
import { lockPayment } from './payment.ts';

/**
 * Takes a charge as paid for good; asked again it does nothing.
 * @returns false when there is no charge to settle
 */
export async function settle(trx: Db, orderId: number): Promise<boolean> {
  const payment = await lockPayment(trx, orderId);
  if (payment?.state === 'charged') {
    await trx('shop.payments').where({ order_id: orderId }).update({ state: 'settled' });
  }
  return payment?.state === 'charged' || payment?.state === 'settled';
}
