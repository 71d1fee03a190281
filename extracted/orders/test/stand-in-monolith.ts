import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { z } from 'zod';

/** A call that is kept waiting: before it has its effect, or after it and before its answer. */
export type HoldPoint = 'before' | 'after';

interface Hold {
  path: string;
  point: HoldPoint;
  reached: () => void;
  released: Promise<void>;
}

/** What inventory and payments remember of an order. */
export interface OrderTrace {
  inventory?: 'reserved' | 'confirmed' | 'released';
  payment?: 'charged' | 'settled' | 'refunded' | 'voided' | 'declined';
  items: { productId: number; quantity: number }[];
}

export interface StandInMonolith {
  url: string;
  orders: Map<number, OrderTrace>;
  /** Path of every internal call in the order of arrival. */
  calls: string[];
  /** When set, every internal call is answered 500. */
  failing: boolean;
  /** Keeps the next call of this path waiting. */
  hold(path: string, point: HoldPoint): { reached: Promise<void>; release: () => void };
  token(customerId: number): Promise<string>;
  stop(): Promise<void>;
}

const body = z.object({
  orderId: z.number(),
  items: z.array(z.object({ productId: z.number(), quantity: z.number() })).optional(),
  amount: z.string().optional(),
  card: z.string().optional(),
});

/** Product 999 is out of stock, product 1000 unknown; everything else costs 10.00 and never runs out. */
const OUT_OF_STOCK = 999;
const UNKNOWN = 1000;
const DECLINED_CARD = '4000000000000002';

export const INTERNAL_TOKEN = 'internal-test-token';

/** The contexts that stay in the monolith, with the contract's idempotency and tombstones, in this process. */
export async function startStandInMonolith(): Promise<StandInMonolith> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  const holds: Hold[] = [];
  const monolith: StandInMonolith = {
    url: '',
    orders: new Map(),
    calls: [],
    failing: false,
    hold(path, point) {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      holds.push({ path, point, reached: reached.resolve, released: released.promise });
      return { reached: reached.promise, release: released.resolve };
    },
    token: (customerId) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'ES256', kid: 'test' })
        .setIssuer('fig-and-sons')
        .setSubject(String(customerId))
        .setExpirationTime('1h')
        .sign(privateKey),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    if (request.url === '/.well-known/jwks.json') return answer(response, 200, { keys: [jwk] });
    serve(monolith, holds, request, response).catch((error: unknown) =>
      answer(response, 500, { error: String(error) }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  monolith.url = `http://127.0.0.1:${address.port}`;
  return monolith;
}

async function serve(
  monolith: StandInMonolith,
  holds: Hold[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '';
  const sent = body.parse(JSON.parse(await text(request)));
  if (request.headers.authorization !== `Bearer ${INTERNAL_TOKEN}`) return answer(response, 401, {});
  monolith.calls.push(path);
  if (monolith.failing) return answer(response, 500, { error: 'failing' });
  const index = holds.findIndex((candidate) => candidate.path === path);
  const hold = index < 0 ? undefined : holds.splice(index, 1)[0];
  if (hold?.point === 'before') {
    hold.reached();
    await hold.released;
  }
  const { status, json } = act(monolith, path, sent);
  if (hold?.point === 'after') {
    hold.reached();
    await hold.released;
  }
  answer(response, status, json);
}

function act(
  monolith: StandInMonolith,
  path: string,
  sent: z.output<typeof body>,
): { status: number; json: unknown } {
  const { orderId } = sent;
  const trace = monolith.orders.get(orderId) ?? { items: [] };
  monolith.orders.set(orderId, trace);
  switch (path) {
    case '/internal/inventory/reserve':
      return reserve(trace, orderId, sent.items ?? []);
    case '/internal/inventory/confirm':
      if (trace.inventory === 'reserved') trace.inventory = 'confirmed';
      return { status: 200, json: { orderId, state: trace.inventory } };
    case '/internal/inventory/release':
      trace.inventory = 'released';
      return { status: 200, json: { orderId, state: 'released' } };
    case '/internal/payments/charge':
      return charge(trace, orderId, sent.card);
    case '/internal/payments/settle':
      if (trace.payment !== 'charged' && trace.payment !== 'settled') {
        return { status: 409, json: { error: 'not_charged' } };
      }
      trace.payment = 'settled';
      return { status: 200, json: { orderId, state: 'settled' } };
    case '/internal/payments/refund':
      if (trace.payment === 'charged' || trace.payment === 'settled') trace.payment = 'refunded';
      else if (trace.payment !== 'refunded') trace.payment = 'voided';
      return { status: 200, json: { orderId, state: trace.payment } };
    default:
      return { status: 404, json: {} };
  }
}

function reserve(
  trace: OrderTrace,
  orderId: number,
  items: { productId: number; quantity: number }[],
): { status: number; json: unknown } {
  if (trace.inventory === 'released') return { status: 409, json: { error: 'released' } };
  for (const { productId } of items) {
    if (productId === OUT_OF_STOCK) return { status: 409, json: { error: 'out_of_stock', productId } };
    if (productId === UNKNOWN) return { status: 400, json: { error: 'unknown_product', productId } };
  }
  trace.inventory ??= 'reserved';
  trace.items = items;
  const priced = items.map((item) => ({ ...item, unitPrice: '10.00' }));
  return { status: 200, json: { orderId, state: 'reserved', items: priced } };
}

function charge(
  trace: OrderTrace,
  orderId: number,
  card: string | undefined,
): { status: number; json: unknown } {
  if (trace.payment === 'refunded' || trace.payment === 'voided') {
    return { status: 409, json: { error: 'refunded' } };
  }
  if (card === DECLINED_CARD) {
    trace.payment = 'declined';
    return { status: 402, json: { error: 'payment_declined' } };
  }
  trace.payment ??= 'charged';
  return { status: 200, json: { orderId, state: 'charged' } };
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}
