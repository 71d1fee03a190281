import { expect, test } from 'vitest';
import { z } from 'zod';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { orderAnswer, shopperOf, wish } from '../../test/shopper.ts';

const database = await shopDatabase();
const { url } = await startShopProcess(database);
const [ada, bob] = await Promise.all([shopperOf(url, 1), shopperOf(url, 2)]);

const invoiceAnswer = z.strictObject({
  number: z.string().regex(/^INV-\d{8}$/),
  orderId: z.number(),
  total: z.string(),
  issuedAt: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
});

async function place() {
  return orderAnswer.parse((await ada('/api/orders', { body: wish([[3, 2]]) })).body);
}

test('an invoice is issued once, also for many who ask at once', async () => {
  const order = await place();
  const answers = await Promise.all(Array.from({ length: 8 }, () => ada(`/api/orders/${order.id}/invoice`)));
  expect(new Set(answers.map((answer) => `${answer.status} ${answer.text}`)).size).toBe(1);
  const invoice = invoiceAnswer.parse(answers[0]?.body);
  expect(invoice).toMatchObject({ orderId: order.id, total: order.total });
  expect(await database.query('select number from shop.invoices where order_id = $1', [order.id])).toEqual([
    { number: invoice.number },
  ]);
});

test('issuing waits for nobody who works on the order', async () => {
  const order = await place();
  const busy = database.query(
    `with held as (select id from shop.orders where id = $1 for no key update) select pg_sleep(3) from held`,
    [order.id],
  );
  const answer = await Promise.race([ada(`/api/orders/${order.id}/invoice`), busy.then(() => 'waited')]);
  expect(answer).toMatchObject({ status: 200 });
  await busy;
});

test('there is none for other users, unknown orders and cancelled ones', async () => {
  const order = await place();
  expect(await bob(`/api/orders/${order.id}/invoice`)).toMatchObject({
    status: 404,
    body: { error: 'not_found' },
  });
  expect((await ada('/api/orders/99999999/invoice')).status).toBe(404);
  await ada(`/api/orders/${order.id}/cancel`, { method: 'POST' });
  expect(await ada(`/api/orders/${order.id}/invoice`)).toMatchObject({
    status: 409,
    body: { error: 'not_invoiceable' },
  });
});
