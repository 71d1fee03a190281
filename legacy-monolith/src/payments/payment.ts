import type { Db } from '../database.ts';

export type PaymentState = 'charged' | 'settled' | 'refunded' | 'declined' | 'voided';

export interface Payment {
  amount: string;
  state: PaymentState;
}

/** The order's payment, locked until the transaction ends. */
export function lockPayment(trx: Db, orderId: number): Promise<Payment | undefined> {
  return trx('shop.payments')
    .where({ order_id: orderId })
    .forNoKeyUpdate()
    .first<Payment | undefined>('amount', 'state');
}

/**
 * Makes the order's payment unless it has one.
 * @returns true when it is new; a concurrent maker has been waited for
 */
export async function claimPayment(
  trx: Db,
  orderId: number,
  payment: Payment & { cardLast4: string | null },
): Promise<boolean> {
  const made = await trx('shop.payments')
    .insert({
      order_id: orderId,
      amount: payment.amount,
      state: payment.state,
      card_last4: payment.cardLast4,
    })
    .onConflict('order_id')
    .ignore()
    .returning('order_id');
  return made.length > 0;
}
