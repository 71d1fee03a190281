import type { TestDatabase } from '@strangler/cluster/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createOrdersDatabase, unfinishedSagas } from '../test/service-database.ts';
import { type ServiceProcess, startServiceProcess } from '../test/service-process.ts';
import { type StandInMonolith, startStandInMonolith } from '../test/stand-in-monolith.ts';

const GOOD = '4242424242424242';
const DECLINED = '4000000000000002';
const twoBooks = { items: [{ productId: 7, quantity: 2 }], payment: { card: GOOD } };
const withId = z.object({ id: z.number() });

let database: TestDatabase;
let monolith: StandInMonolith;
let service: ServiceProcess;
let token: string;

beforeAll(async () => {
  [database, monolith] = await Promise.all([createOrdersDatabase(), startStandInMonolith()]);
  service = await startServiceProcess(database.url('orders_app'), monolith.url);
  token = await monolith.token(42);
});
afterAll(async () => {
  await service?.stop();
  await monolith?.stop();
});
afterEach(() => {
  monolith.failing = false;
});

const place = (body: unknown, key?: string) =>
  service.request('/api/orders', { token, body, ...(key === undefined ? {} : { key }) });
const idOf = (answer: { json: unknown }): number => withId.parse(answer.json).id;

async function countOrders(): Promise<number> {
  const [row] = await database.query<{ count: number }>('select count(*)::int from orders.customer_order');
  return row?.count ?? Number.NaN;
}

describe('placing an order', () => {
  test('reserves, charges, writes and confirms, and answers with the contract’s JSON', async () => {
    const placed = await place({
      items: [
        { productId: 9, quantity: 1 },
        { productId: 7, quantity: 2 },
      ],
      payment: { card: GOOD },
    });
    const id = idOf(placed);
    expect(placed.status).toBe(201);
    expect(placed.json).toEqual({
      id,
      status: 'placed',
      total: '30.00',
      items: [
        { productId: 9, quantity: 1, unitPrice: '10.00' },
        { productId: 7, quantity: 2, unitPrice: '10.00' },
      ],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    });
    expect(monolith.orders.get(id)).toMatchObject({ inventory: 'confirmed', payment: 'charged' });
    const read = await service.request(`/api/orders/${id}`, { token });
    expect(read.text).toBe(placed.text);
    expect(await unfinishedSagas(database)).toBe(0);
  });

  test.each([
    ['out of stock', { productId: 999, quantity: 1 }, GOOD, 409, { error: 'out_of_stock', productId: 999 }],
    [
      'an unknown product',
      { productId: 1000, quantity: 1 },
      GOOD,
      400,
      { error: 'unknown_product', productId: 1000 },
    ],
    ['a declined card', { productId: 7, quantity: 1 }, DECLINED, 402, { error: 'payment_declined' }],
  ])('%s is refused, and whatever was reserved is given back', async (_name, item, card, status, body) => {
    const before = await countOrders();
    const refused = await place({ items: [item], payment: { card } }, `refused-${status}`);
    expect(refused).toMatchObject({ status, json: body });
    expect(await countOrders()).toBe(before);
    expect(await unfinishedSagas(database)).toBe(0);
    const last = [...monolith.orders.values()].at(-1);
    expect(last).toMatchObject({ inventory: 'released', payment: 'voided' });
  });

  test('bad bodies are refused before anything is asked of anybody', async () => {
    const calls = monolith.calls.length;
    for (const body of [
      {},
      { items: [], payment: { card: GOOD } },
      { ...twoBooks, items: [{ productId: 7, quantity: 0 }] },
    ]) {
      expect(await place(body)).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    }
    expect(monolith.calls.length).toBe(calls);
  });

  test('no token or a forged one is 401', async () => {
    expect(await service.request('/api/orders', { body: twoBooks })).toMatchObject({
      status: 401,
      json: { error: 'unauthenticated' },
    });
    const [head, payload] = token.split('.');
    const forged = await service.request('/api/orders', { token: `${head}.${payload}.AAAA` });
    expect(forged.status).toBe(401);
  });
});

describe('idempotency keys', () => {
  test('trap 50: a repeated request gets the first answer, byte for byte', async () => {
    const first = await place(twoBooks, 'again');
    const second = await place(twoBooks, 'again');
    expect(first.headers.get('idempotent-replay')).toBeNull();
    expect(second.status).toBe(201);
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotent-replay')).toBe('true');
  });

  test('ten twins at once place one order', async () => {
    const before = await countOrders();
    const twins = await Promise.all(Array.from({ length: 10 }, () => place(twoBooks, 'twins')));
    expect(new Set(twins.map((twin) => twin.text)).size).toBe(1);
    expect(twins.every((twin) => twin.status === 201)).toBe(true);
    expect(twins.filter((twin) => twin.headers.get('idempotent-replay') === null)).toHaveLength(1);
    expect(await countOrders()).toBe(before + 1);
  });

  test('a twin that comes while the first is at work waits for its answer', async () => {
    const hold = monolith.hold('/internal/payments/charge', 'before');
    const first = place(twoBooks, 'waits');
    await hold.reached;
    const second = place(twoBooks, 'waits');
    hold.release();
    expect((await second).text).toBe((await first).text);
  });

  test('the same key with another body is 422', async () => {
    await place(twoBooks, 'reused');
    const other = await place({ ...twoBooks, items: [{ productId: 8, quantity: 2 }] }, 'reused');
    expect(other).toMatchObject({ status: 422, json: { error: 'idempotency_key_reused' } });
  });

  test('a refusal is not kept: the key may be used again', async () => {
    const body = (card: string) => ({ items: [{ productId: 7, quantity: 1 }], payment: { card } });
    expect((await place(body(DECLINED), 'second-try')).status).toBe(402);
    expect((await place(body(GOOD), 'second-try')).status).toBe(201);
  });
});

describe('reads', () => {
  test('lists the newest first, only the caller’s own, up to the limit', async () => {
    const other = await monolith.token(77);
    const placed: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      placed.unshift(idOf(await service.request('/api/orders', { token: other, body: twoBooks })));
    }
    const list = await service.request('/api/orders?limit=2', { token: other });
    const { orders } = z.object({ orders: z.array(withId) }).parse(list.json);
    expect(orders.map((order) => order.id)).toEqual(placed.slice(0, 2));
    expect((await service.request(`/api/orders/${placed[0]}`, { token })).status).toBe(404);
    expect((await service.request(`/api/orders/${placed[0]}`, { token: other })).status).toBe(200);
  });

  test.each(['0', '101', 'x', '-1', '1.5'])('limit=%s is refused', async (limit) => {
    expect((await service.request(`/api/orders?limit=${limit}`, { token })).status).toBe(400);
  });

  test('quotes shipping without a token', async () => {
    const quote = await service.request('/api/shipping/quote?weight=2.5&country=DE');
    expect(quote).toMatchObject({
      status: 200,
      json: { country: 'DE', weight: 2.5, price: '7.90', days: 2 },
    });
    expect((await service.request('/api/shipping/quote?weight=0&country=DE')).status).toBe(400);
  });
});

describe('cancelling and paying', () => {
  test('a cancel gives back stock and money; a second one is answered alike', async () => {
    const id = idOf(await place(twoBooks));
    const first = await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token });
    expect(first).toMatchObject({ status: 200, json: { id, status: 'cancelled' } });
    expect(monolith.orders.get(id)).toMatchObject({ inventory: 'released', payment: 'refunded' });
    const second = await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token });
    expect(second.text).toBe(first.text);
    expect(await unfinishedSagas(database)).toBe(0);
  });

  test('somebody else’s order can’t be cancelled, nor one that was shipped', async () => {
    const id = idOf(await place(twoBooks));
    const stranger = await monolith.token(43);
    expect(
      (await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token: stranger })).status,
    ).toBe(404);
    await database.query(`update orders.customer_order set state = 'shipped' where order_id = $1`, [id]);
    expect(await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token })).toMatchObject({
      status: 409,
      json: { error: 'not_cancellable' },
    });
    expect(monolith.orders.get(id)).toMatchObject({ inventory: 'confirmed', payment: 'charged' });
  });

  test('a cancel is answered and finished later when the contexts are down', async () => {
    const id = idOf(await place(twoBooks));
    monolith.failing = true;
    const cancelled = await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token });
    expect(cancelled).toMatchObject({ status: 200, json: { status: 'cancelled' } });
    expect(await unfinishedSagas(database)).toBe(1);
    monolith.failing = false;
    await expect.poll(() => unfinishedSagas(database), { timeout: 10_000 }).toBe(0);
    expect(monolith.orders.get(id)).toMatchObject({ inventory: 'released', payment: 'refunded' });
  });

  test('the payment callback settles the charge, then marks the order paid', async () => {
    const id = idOf(await place(twoBooks));
    const settled = { orderId: id, event: 'settled' };
    const paid = await service.request('/api/payments/callback', { body: settled });
    expect(paid).toMatchObject({ status: 200, json: { orderId: id, status: 'paid' } });
    expect(monolith.orders.get(id)).toMatchObject({ payment: 'settled' });
    expect((await service.request('/api/payments/callback', { body: settled })).text).toBe(paid.text);
    expect((await service.request(`/api/orders/${id}`, { token })).json).toMatchObject({ status: 'paid' });
    await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token });
    expect((await service.request('/api/payments/callback', { body: settled })).status).toBe(409);
    expect(
      (await service.request('/api/payments/callback', { body: { ...settled, orderId: 999_999 } })).status,
    ).toBe(404);
  });
});
