import { Router } from 'express';
import { z } from 'zod';
import type { Db } from '../database.ts';
import { cardNumber } from '../orders/order-request.ts';
import { idNumber, parseInput } from '../web/input.ts';
import { Refusal } from '../web/refusal.ts';
import { charge } from './charge.ts';
import { refund } from './refund.ts';
import { settle } from './settle.ts';

const ofOrder = z.object({ orderId: idNumber });
const chargeRequest = z.object({
  orderId: idNumber,
  amount: z.string().regex(/^\d{1,10}\.\d{2}$/, 'an amount with two decimals'),
  card: cardNumber,
});

/** How a service outside uses the payments: by the order's id, any number of times. */
export function paymentRoutes(db: Db): Router {
  const router = Router();

  router.post('/charge', async (request, response) => {
    const { orderId, amount, card } = parseInput(chargeRequest, request.body);
    const outcome = await db.transaction((trx) => charge(trx, orderId, amount, card));
    if (outcome === 'declined') throw new Refusal(402, 'payment_declined');
    if (outcome === 'refunded') throw new Refusal(409, 'refunded');
    response.json({ orderId, state: outcome });
  });

  router.post('/settle', async (request, response) => {
    const { orderId } = parseInput(ofOrder, request.body);
    const settled = await db.transaction((trx) => settle(trx, orderId));
    if (!settled) throw new Refusal(409, 'not_charged');
    response.json({ orderId, state: 'settled' });
  });

  router.post('/refund', async (request, response) => {
    const { orderId } = parseInput(ofOrder, request.body);
    const state = await db.transaction((trx) => refund(trx, orderId));
    response.json({ orderId, state });
  });

  return router;
}
