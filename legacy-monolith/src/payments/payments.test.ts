import { expect, test } from 'vitest';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { DECLINED_CARD, GOOD_CARD, serviceOf } from '../../test/shopper.ts';

const database = await shopDatabase();
const service = serviceOf((await startShopProcess(database)).url);

const charge = (orderId: number, card = GOOD_CARD, amount = '59.98') =>
  service('/internal/payments/charge', { body: { orderId, amount, card } });
const settle = (orderId: number) => service('/internal/payments/settle', { body: { orderId } });
const refund = (orderId: number) => service('/internal/payments/refund', { body: { orderId } });
const paymentOf = (orderId: number) =>
  database.query('select amount::text, refunded::text, state from shop.payments where order_id = $1', [
    orderId,
  ]);

test('charges once, settles, and gives all of it back once', async () => {
  for (let time = 0; time < 2; time += 1) {
    expect(await charge(9001)).toMatchObject({ status: 200, body: { orderId: 9001, state: 'charged' } });
  }
  for (let time = 0; time < 2; time += 1) {
    expect(await settle(9001)).toMatchObject({ status: 200, body: { orderId: 9001, state: 'settled' } });
  }
  expect((await charge(9001)).status).toBe(200);
  for (let time = 0; time < 2; time += 1) {
    expect(await refund(9001)).toMatchObject({ status: 200, body: { orderId: 9001, state: 'refunded' } });
  }
  expect(await paymentOf(9001)).toEqual([{ amount: '59.98', refunded: '59.98', state: 'refunded' }]);
  expect(await charge(9001)).toMatchObject({ status: 409, body: { error: 'refunded' } });
  expect(await settle(9001)).toMatchObject({ status: 409, body: { error: 'not_charged' } });
});

test('a declined card stays declined', async () => {
  for (const card of [DECLINED_CARD, DECLINED_CARD, GOOD_CARD]) {
    expect(await charge(9002, card)).toMatchObject({ status: 402, body: { error: 'payment_declined' } });
  }
  expect(await settle(9002)).toMatchObject({ status: 409, body: { error: 'not_charged' } });
  expect(await refund(9002)).toMatchObject({ status: 200, body: { orderId: 9002, state: 'voided' } });
});

test('a charge that arrives after its refund does nothing', async () => {
  expect(await refund(9003)).toMatchObject({ status: 200, body: { orderId: 9003, state: 'voided' } });
  expect(await charge(9003)).toMatchObject({ status: 409, body: { error: 'refunded' } });
  expect(await paymentOf(9003)).toEqual([{ amount: '0.00', refunded: '0.00', state: 'voided' }]);
});

test('charge and refund at the same time end without money taken', async () => {
  const answers = await Promise.all([charge(9004), charge(9004), refund(9004), charge(9004), refund(9004)]);
  for (const answer of answers) expect([200, 409]).toContain(answer.status);
  const [payment] = await paymentOf(9004);
  expect(payment?.['refunded']).toBe(payment?.['amount']);
});

test('refuses another amount for the same order, and amounts that are none', async () => {
  await charge(9005);
  expect(await charge(9005, GOOD_CARD, '59.99')).toMatchObject({
    status: 409,
    body: { error: 'amount_differs' },
  });
  for (const amount of ['5', '5.9', '-5.00', '5,00', '']) {
    expect(await charge(9006, GOOD_CARD, amount)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  }
  expect(await paymentOf(9006)).toEqual([]);
});
