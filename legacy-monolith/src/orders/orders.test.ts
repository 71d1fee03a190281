import { describe, expect, test } from 'vitest';
import { CONSERVED, conservation } from '../../test/conservation.ts';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { asker, DECLINED_CARD, orderAnswer, shopperOf, wish } from '../../test/shopper.ts';

const database = await shopDatabase();
const { url } = await startShopProcess(database);
const [ada, bob] = await Promise.all([shopperOf(url, 1), shopperOf(url, 2)]);

async function place(items: [number, number][] = [[7, 2]]) {
  return orderAnswer.parse((await ada('/api/orders', { body: wish(items) })).body);
}

describe('placing an order', () => {
  test('answers 201 with the order, lines as asked for, and takes stock and money with it', async () => {
    const [product] = await database.query<{ price: string; available: number }>(
      'select price::text, available from shop.products join shop.stock on product_id = id where id = 7',
    );
    const answer = await ada('/api/orders', {
      body: wish([
        [9, 1],
        [7, 2],
      ]),
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('idempotent-replay')).toBeNull();
    const order = orderAnswer.parse(answer.body);
    expect(Object.keys(order)).toEqual(['id', 'status', 'total', 'items', 'createdAt']);
    expect(order.status).toBe('placed');
    expect(order.items.map((line) => [line.productId, line.quantity])).toEqual([
      [9, 1],
      [7, 2],
    ]);
    expect(order.items[1]?.unitPrice).toBe(product?.price);
    const cents = order.items.reduce((sum, line) => sum + line.quantity * Number(line.unitPrice) * 100, 0);
    expect(order.total).toBe((cents / 100).toFixed(2));
    const [after] = await database.query<{
      available: number;
      payment: string;
      amount: string;
      state: string;
    }>(
      `select available, p.state as payment, p.amount::text, r.state from shop.stock, shop.payments p, shop.reservations r
        where product_id = 7 and p.order_id = $1 and r.order_id = $1`,
      [order.id],
    );
    expect(after).toEqual({
      available: (product?.available ?? 0) - 2,
      payment: 'charged',
      amount: order.total,
      state: 'confirmed',
    });
    expect(await conservation(database)).toEqual(CONSERVED);
  });

  test('accepts the same product on two lines', async () => {
    const order = await place([
      [5, 1],
      [5, 3],
    ]);
    expect(order.items.map((line) => line.quantity)).toEqual([1, 3]);
    expect(await conservation(database)).toEqual(CONSERVED);
  });

  test('answers 409 with the product that is out of stock, and leaves nothing behind', async () => {
    const answer = await ada('/api/orders', {
      body: wish([
        [3, 1],
        [4, 999_999],
      ]),
      headers: { 'idempotency-key': 'sold-out' },
    });
    expect([answer.status, answer.body]).toEqual([409, { error: 'out_of_stock', productId: 4 }]);
    const again = await ada('/api/orders', {
      body: wish([[3, 1]]),
      headers: { 'idempotency-key': 'sold-out' },
    });
    expect(again.status).toBe(201);
    expect(await conservation(database)).toEqual(CONSERVED);
  });

  test('answers 402 for a declined card, and leaves nothing behind', async () => {
    const before = await database.query('select * from shop.stock order by product_id');
    const answer = await ada('/api/orders', { body: wish([[3, 1]], DECLINED_CARD) });
    expect([answer.status, answer.body]).toEqual([402, { error: 'payment_declined' }]);
    expect(await database.query('select * from shop.stock order by product_id')).toEqual(before);
    expect(await conservation(database)).toEqual(CONSERVED);
  });

  test('out of stock is said before declined', async () => {
    const answer = await ada('/api/orders', { body: wish([[4, 999_999]], DECLINED_CARD) });
    expect(answer.status).toBe(409);
  });

  test('answers 400 for a product that is not ours', async () => {
    const answer = await ada('/api/orders', {
      body: wish([
        [1, 1],
        [4711, 1],
      ]),
    });
    expect([answer.status, answer.body]).toEqual([400, { error: 'unknown_product', productId: 4711 }]);
  });

  test.each([
    ['no items', { items: [], payment: { card: '4242424242424242' } }, 'items'],
    ['half a piece', wish([[1, 0.5]]), 'items.0.quantity'],
    ['no pieces', wish([[1, 0]]), 'items.0.quantity'],
    ['no card', { items: [{ productId: 1, quantity: 1 }] }, 'payment'],
    ['a card of words', wish([[1, 1]], 'gold'), 'payment.card'],
    ['an id as text', { ...wish([]), items: [{ productId: '1', quantity: 1 }] }, 'items.0.productId'],
  ])('answers 400 for %s', async (_title, body, path) => {
    const answer = await ada('/api/orders', { body });
    expect([answer.status, answer.body]).toMatchObject([
      400,
      { error: 'invalid_request', issues: [{ path }] },
    ]);
  });

  test('answers 400 for what is no JSON', async () => {
    const response = await fetch(`${url}/api/payments/callback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"orderId":',
    });
    expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_request', issues: [] }]);
  });

  test('answers 401 to anybody without a valid token', async () => {
    const forged = asker(url, { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.' });
    for (const ask of [asker(url), forged]) {
      for (const path of ['/api/orders', '/api/orders/1', '/api/orders/1/invoice', '/api/reports/sales']) {
        expect(await ask(path)).toMatchObject({ status: 401, body: { error: 'unauthenticated' } });
      }
      expect(await ask('/api/orders', { body: wish([[1, 1]]) })).toMatchObject({ status: 401 });
    }
  });
});

describe('an idempotency key', () => {
  test('trap 50: repeats the first answer byte by byte, even after the order has moved on', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = await ada('/api/orders', {
      body: wish([
        [8, 1],
        [2, 2],
      ]),
      headers,
    });
    const { id } = orderAnswer.parse(first.body);
    await ada(`/api/orders/${id}/cancel`, { method: 'POST' });
    const second = await ada('/api/orders', {
      body: wish([
        [8, 1],
        [2, 2],
      ]),
      headers,
    });
    expect([second.status, second.text]).toEqual([201, first.text]);
    expect(second.headers.get('idempotent-replay')).toBe('true');
  });

  test('answers 422 for another request, and is each user’s own', async () => {
    const headers = { 'idempotency-key': 'mine' };
    const first = await ada('/api/orders', { body: wish([[8, 1]]), headers });
    const other = await ada('/api/orders', { body: wish([[8, 2]]), headers });
    expect([other.status, other.body]).toEqual([422, { error: 'idempotency_key_reused' }]);
    const bobs = await bob('/api/orders', { body: wish([[8, 2]]), headers });
    expect(bobs.status).toBe(201);
    expect(orderAnswer.parse(bobs.body).id).not.toBe(orderAnswer.parse(first.body).id);
  });

  test('keeps no refusal', async () => {
    const headers = { 'idempotency-key': 'refused' };
    expect((await ada('/api/orders', { body: wish([[8, 1]], DECLINED_CARD), headers })).status).toBe(402);
    expect((await ada('/api/orders', { body: wish([[8, 1]]), headers })).status).toBe(201);
  });

  test('of a seeded order is known', async () => {
    const [seeded] = await database.query<{ user_id: string; key: string }>(
      'select user_id, key from shop.order_idempotency where order_id = 50',
    );
    const lines = await database.query<{ product_id: string; quantity: number }>(
      'select product_id, quantity from shop.order_items where order_id = 50 order by line_no',
    );
    const owner = await shopperOf(url, Number(seeded?.user_id));
    const answer = await owner('/api/orders', {
      body: wish(lines.map((line) => [Number(line.product_id), line.quantity])),
      headers: { 'idempotency-key': seeded?.key ?? '' },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('idempotent-replay')).toBe('true');
    expect(orderAnswer.parse(answer.body).id).toBe(50);
  });
});

describe('reading orders', () => {
  test('shows the caller’s own, and nobody else’s', async () => {
    const order = await place();
    expect((await ada(`/api/orders/${order.id}`)).body).toEqual(order);
    for (const path of [
      `/api/orders/${order.id}`,
      '/api/orders/99999999',
      '/api/orders/abc',
      '/api/orders/0',
    ]) {
      expect(await bob(path)).toMatchObject({ status: 404, body: { error: 'not_found' } });
    }
  });

  test('lists the newest first, up to the limit', async () => {
    const placed = [await place(), await place(), await place()];
    const answer = await ada('/api/orders?limit=2');
    expect(answer.body).toEqual({ orders: [placed[2], placed[1]] });
    expect((await ada('/api/orders?limit=100')).status).toBe(200);
  });

  test.each(['0', '101', '-1', '2.5', 'ten', ''])('answers 400 for limit=%s', async (limit) => {
    expect(await ada(`/api/orders?limit=${limit}`)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });
});

describe('cancelling', () => {
  test('gives stock and money back, once', async () => {
    const before = await database.query('select product_id, available, sold from shop.stock order by 1');
    const order = await place([
      [6, 3],
      [1, 1],
    ]);
    const answer = await ada(`/api/orders/${order.id}/cancel`, { method: 'POST' });
    expect([answer.status, answer.body]).toEqual([200, { ...order, status: 'cancelled' }]);
    const again = await ada(`/api/orders/${order.id}/cancel`, { method: 'POST' });
    expect([again.status, again.text]).toEqual([200, answer.text]);
    expect(await database.query('select product_id, available, sold from shop.stock order by 1')).toEqual(
      before,
    );
    expect(await conservation(database)).toEqual(CONSERVED);
  });

  test('works for a seeded order, refuses a shipped one, and knows no other user’s', async () => {
    const [open] = await database.query<{ id: string; user_id: string }>(
      "select id, user_id from shop.orders where status = 'paid' and id <= 60 limit 1",
    );
    const [shipped] = await database.query<{ id: string; user_id: string }>(
      "select id, user_id from shop.orders where status = 'shipped' limit 1",
    );
    const owner = await shopperOf(url, Number(open?.user_id));
    expect((await owner(`/api/orders/${open?.id}/cancel`, { method: 'POST' })).status).toBe(200);
    const other = await shopperOf(url, Number(shipped?.user_id));
    expect(await other(`/api/orders/${shipped?.id}/cancel`, { method: 'POST' })).toMatchObject({
      status: 409,
      body: { error: 'not_cancellable' },
    });
    const order = await place();
    expect((await bob(`/api/orders/${order.id}/cancel`, { method: 'POST' })).status).toBe(404);
    expect(await conservation(database)).toEqual(CONSERVED);
  });
});

describe('the payment callback', () => {
  test('settles the charge and marks the order paid, any number of times', async () => {
    const order = await place();
    for (let time = 0; time < 2; time += 1) {
      const answer = await asker(url)('/api/payments/callback', {
        body: { orderId: order.id, event: 'settled' },
      });
      expect([answer.status, answer.body]).toEqual([200, { orderId: order.id, status: 'paid' }]);
    }
    expect(orderAnswer.parse((await ada(`/api/orders/${order.id}`)).body).status).toBe('paid');
    expect(await database.query('select state from shop.payments where order_id = $1', [order.id])).toEqual([
      { state: 'settled' },
    ]);
  });

  test('answers 404 for an unknown order, 409 for one that cannot be paid, 400 for another event', async () => {
    const order = await place();
    await ada(`/api/orders/${order.id}/cancel`, { method: 'POST' });
    const ask = (body: unknown) => asker(url)('/api/payments/callback', { body });
    expect(await ask({ orderId: 999_999, event: 'settled' })).toMatchObject({
      status: 404,
      body: { error: 'not_found' },
    });
    expect(await ask({ orderId: order.id, event: 'settled' })).toMatchObject({
      status: 409,
      body: { error: 'not_payable' },
    });
    expect(await ask({ orderId: order.id, event: 'lost' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });
});
