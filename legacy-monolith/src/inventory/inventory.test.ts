import { expect, test } from 'vitest';
import { CONSERVED, conservation } from '../../test/conservation.ts';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { asker, serviceOf, shopperOf } from '../../test/shopper.ts';

const database = await shopDatabase();
const { url } = await startShopProcess(database);
const service = serviceOf(url);

const items = [
  { productId: 4, quantity: 2 },
  { productId: 2, quantity: 1 },
];

async function stockOf(productId: number) {
  const [row] = await database.query(
    'select available, reserved, sold from shop.stock where product_id = $1',
    [productId],
  );
  return row;
}

test('reserve, confirm and release move the pieces along, however often they are asked', async () => {
  const before = await stockOf(4);
  const reserved = await service('/internal/inventory/reserve', { body: { orderId: 9001, items } });
  expect(reserved.status).toBe(200);
  const prices = await database.query<{ price: string }>(
    'select price::text from shop.products where id in (2, 4) order by id desc',
  );
  expect(reserved.body).toEqual({
    orderId: 9001,
    state: 'reserved',
    items: items.map((item, index) => ({ ...item, unitPrice: prices[index]?.price })),
  });
  expect((await service('/internal/inventory/reserve', { body: { orderId: 9001, items } })).text).toBe(
    reserved.text,
  );
  expect(await stockOf(4)).toMatchObject({ reserved: 2 });

  for (let time = 0; time < 2; time += 1) {
    const answer = await service('/internal/inventory/confirm', { body: { orderId: 9001 } });
    expect([answer.status, answer.body]).toEqual([200, { orderId: 9001, state: 'confirmed' }]);
  }
  expect(await stockOf(4)).toMatchObject({ reserved: 0 });
  for (let time = 0; time < 2; time += 1) {
    const answer = await service('/internal/inventory/release', { body: { orderId: 9001 } });
    expect([answer.status, answer.body]).toEqual([200, { orderId: 9001, state: 'released' }]);
  }
  expect(await stockOf(4)).toEqual(before);
  const late = await service('/internal/inventory/confirm', { body: { orderId: 9001 } });
  expect(late.body).toEqual({ orderId: 9001, state: 'released' });
});

test('a reservation that arrives after its release does nothing', async () => {
  const before = await stockOf(4);
  expect((await service('/internal/inventory/release', { body: { orderId: 9002 } })).status).toBe(200);
  const late = await service('/internal/inventory/reserve', { body: { orderId: 9002, items } });
  expect([late.status, late.body]).toEqual([409, { error: 'released' }]);
  expect(await stockOf(4)).toEqual(before);
});

test('refuses what is out of stock or unknown, and may be asked again', async () => {
  const greedy = [{ productId: 4, quantity: 999_999 }];
  expect(
    await service('/internal/inventory/reserve', { body: { orderId: 9003, items: greedy } }),
  ).toMatchObject({
    status: 409,
    body: { error: 'out_of_stock', productId: 4 },
  });
  const strange = [{ productId: 4711, quantity: 1 }];
  expect(
    await service('/internal/inventory/reserve', { body: { orderId: 9003, items: strange } }),
  ).toMatchObject({
    status: 400,
    body: { error: 'unknown_product', productId: 4711 },
  });
  expect((await service('/internal/inventory/reserve', { body: { orderId: 9003, items } })).status).toBe(200);
  await service('/internal/inventory/release', { body: { orderId: 9003 } });
});

test('concurrent steps of one order act once', async () => {
  const ask = (step: string) => service(`/internal/inventory/${step}`, { body: { orderId: 9004, items } });
  const answers = await Promise.all([
    ask('reserve'),
    ask('reserve'),
    ask('release'),
    ask('reserve'),
    ask('release'),
  ]);
  for (const { status, body } of answers) {
    expect([200, 409]).toContain(status);
    if (status === 409) expect(body).toEqual({ error: 'released' });
  }
  expect(await stockOf(4)).toMatchObject({ reserved: 0 });
  expect(await conservation(database)).toEqual(CONSERVED);
});

test('cancelling one of the shop’s own orders uses the same keys', async () => {
  const ada = await shopperOf(url, 1);
  const placed = await ada('/api/orders', { body: { items, payment: { card: '4242424242424242' } } });
  const { id } = placed.body as { id: number };
  expect((await service('/internal/inventory/release', { body: { orderId: id } })).status).toBe(200);
  expect((await service('/internal/payments/refund', { body: { orderId: id } })).body).toEqual({
    orderId: id,
    state: 'refunded',
  });
  expect((await ada(`/api/orders/${id}/cancel`, { method: 'POST' })).status).toBe(200);
  expect(await conservation(database)).toEqual(CONSERVED);
});

test('lets only our own services in', async () => {
  const ada = await shopperOf(url, 1);
  for (const ask of [asker(url), ada, asker(url, { authorization: 'Bearer internal-test-tokem' })]) {
    for (const path of ['/internal/inventory/release', '/internal/payments/refund', '/internal/nothing']) {
      expect(await ask(path, { body: { orderId: 1 } })).toMatchObject({
        status: 401,
        body: { error: 'unauthenticated' },
      });
    }
  }
});
