import {
  type Answer,
  answerErrors,
  customerOf,
  healthRoutes,
  requireCustomer,
  send,
  type TokenVerifier,
} from '@shop/service-kit';
import express, { type Express, type Request } from 'express';
import { z } from 'zod';
import { cancelOrder } from './cancel.ts';
import { findOrder, newestOrders } from './order-rows.ts';
import type { Orders } from './orders.ts';
import { settleOrder } from './pay.ts';
import { placeOrder } from './place.ts';
import { parsePlacingBody } from './placing-request.ts';
import { shippingQuote } from './shipping.ts';

export interface AppSettings {
  orders: Orders;
  verifier: TokenVerifier;
  /** How long a write may work, in milliseconds. */
  deadlineMs: number;
}

const notFound: Answer = { status: 404, body: { error: 'not_found' } };
const invalid = (issues: unknown[]): Answer => ({ status: 400, body: { error: 'invalid_request', issues } });

/** The service's HTTP face: the contract's order routes and the shipping quote. */
export function createApp({ orders, verifier, deadlineMs }: AppSettings): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(healthRoutes(orders.pool));
  app.use(express.json({ limit: '100kb' }));
  const customer = requireCustomer(verifier);

  app.post('/api/orders', customer, async (request, response) => {
    const body = parsePlacingBody(request.body);
    if (!body.ok) return send(response, invalid(body.issues));
    const placing = { customerId: customerOf(response), key: request.get('idempotency-key'), ...body };
    send(response, await placeOrder(orders, placing, AbortSignal.timeout(deadlineMs)));
  });
  app.get('/api/orders', customer, async (request, response) => {
    const limit = z.coerce.number().int().min(1).max(100).default(20).safeParse(request.query['limit']);
    if (!limit.success) return send(response, invalid([{ path: 'limit', message: 'must be 1 to 100' }]));
    const found = await newestOrders(orders.pool, customerOf(response), limit.data);
    send(response, { status: 200, body: { orders: found } });
  });
  app.get('/api/orders/:id', customer, async (request, response) => {
    const orderId = orderIdOf(request);
    const order = orderId && (await findOrder(orders.pool, orderId, customerOf(response)));
    send(response, order ? { status: 200, body: order } : notFound);
  });
  app.post('/api/orders/:id/cancel', customer, async (request, response) => {
    const orderId = orderIdOf(request);
    if (orderId === undefined) return send(response, notFound);
    send(response, await cancelOrder(orders, orderId, customerOf(response)));
  });
  app.post('/api/payments/callback', async (request, response) => {
    const event = paymentEvent.safeParse(request.body);
    if (!event.success) return send(response, invalid([]));
    const signal = AbortSignal.timeout(deadlineMs);
    send(response, await settleOrder(orders, String(event.data.orderId), signal));
  });
  app.get('/api/shipping/quote', (request, response) => send(response, shippingQuote(request.query)));

  app.use((_request, response) => send(response, notFound));
  app.use(answerErrors(orders.logger));
  return app;
}

const paymentEvent = z.object({ orderId: z.number().int().positive(), event: z.literal('settled') });

function orderIdOf(request: Request): string | undefined {
  const { id } = request.params;
  return typeof id === 'string' && /^[1-9]\d{0,17}$/.test(id) ? id : undefined;
}
