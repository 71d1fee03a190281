import type { Db } from '../database.ts';
import { Refusal } from '../web/refusal.ts';
import { claimPayment, lockPayment, type PaymentState } from './payment.ts';

/** The card that the bank refuses. */
const DECLINED_CARD = '4000000000000002';

export type ChargeOutcome = 'charged' | 'declined' | 'refunded';

/**
 * Charges a card for an order, once: asked again it says what came of it.
 * @returns `refunded` when the charge was undone before, possibly before it arrived. Throws 409 for another amount.
 */
export async function charge(trx: Db, orderId: number, amount: string, card: string): Promise<ChargeOutcome> {
  const state = card === DECLINED_CARD ? 'declined' : 'charged';
  const isNew = await claimPayment(trx, orderId, { amount, state, cardLast4: card.slice(-4) });
  if (isNew) return state;
  const payment = await lockPayment(trx, orderId);
  if (payment === undefined) throw new Error(`the payment of order ${orderId} disappeared`);
  const outcome = OUTCOMES[payment.state];
  if (outcome !== 'refunded' && payment.amount !== amount) throw new Refusal(409, 'amount_differs');
  return outcome;
}

const OUTCOMES: Record<PaymentState, ChargeOutcome> = {
  charged: 'charged',
  settled: 'charged',
  declined: 'declined',
  refunded: 'refunded',
  voided: 'refunded',
};
