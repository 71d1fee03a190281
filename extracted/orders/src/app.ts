import {
  type Answer,
  answerErrors,
  customerOf,
  healthRoutes,
  requireCustomer,
  send,
  type TokenVerifier,
} from '@shop/service-kit';
import express, { type Express } from 'express';
import { z } from 'zod';
import { cancelOrder } from './cancel.ts';
import { idNumber, listQuery, parseInput, pathId } from './input.ts';
import { findOrder, newestOrders } from './order-rows.ts';
import type { Orders } from './orders.ts';
import { settleOrder } from './pay.ts';
import { placeOrder } from './place.ts';
import { placingBody, requestKey } from './placing-request.ts';
import { shippingQuote } from './shipping.ts';

export interface AppSettings {
  orders: Orders;
  verifier: TokenVerifier;
  /** How long a write may work, in milliseconds. */
  deadlineMs: number;
}

const notFound: Answer = { status: 404, body: { error: 'not_found' } };

/** The service's HTTP face: the contract's order routes and the shipping quote. */
export function createApp({ orders, verifier, deadlineMs }: AppSettings): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(healthRoutes(orders.pool));
  app.use(express.json({ limit: '100kb' }));
  const customer = requireCustomer(verifier);

  app.post('/api/orders', customer, async (request, response) => {
    const body = parseInput(placingBody, request.body);
    if (!body.ok) return send(response, body.answer);
    const key = parseInput(requestKey, request.get('idempotency-key'));
    if (!key.ok) return send(response, key.answer);
    const { items, payment } = body.value;
    const placing = { customerId: customerOf(response), key: key.value, items, card: payment.card };
    send(response, await placeOrder(orders, placing, AbortSignal.timeout(deadlineMs)));
  });
  app.get('/api/orders', customer, async (request, response) => {
    const query = parseInput(listQuery, request.query);
    if (!query.ok) return send(response, query.answer);
    const found = await newestOrders(orders.pool, customerOf(response), query.value.limit);
    send(response, { status: 200, body: { orders: found } });
  });
  app.get('/api/orders/:id', customer, async (request, response) => {
    const orderId = pathId(request.params['id']);
    const order = orderId && (await findOrder(orders.pool, orderId, customerOf(response)));
    send(response, order ? { status: 200, body: order } : notFound);
  });
  app.post('/api/orders/:id/cancel', customer, async (request, response) => {
    const orderId = pathId(request.params['id']);
    if (orderId === undefined) return send(response, notFound);
    send(response, await cancelOrder(orders, orderId, customerOf(response)));
  });
  // The payment provider's call. It proves nothing and need not: it only moves on a charge that was made before.
  app.post('/api/payments/callback', async (request, response) => {
    const event = parseInput(paymentEvent, request.body);
    if (!event.ok) return send(response, event.answer);
    const signal = AbortSignal.timeout(deadlineMs);
    send(response, await settleOrder(orders, String(event.value.orderId), signal));
  });
  app.get('/api/shipping/quote', (request, response) => send(response, shippingQuote(request.query)));

  app.use((_request, response) => send(response, notFound));
  app.use(answerErrors(orders.logger));
  return app;
}

const paymentEvent = z.object({ orderId: idNumber, event: z.literal('settled') });
