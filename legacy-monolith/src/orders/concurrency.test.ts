import { expect, test } from 'vitest';
import { CONSERVED, conservation } from '../../test/conservation.ts';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import {
  type Asker,
  asker,
  DECLINED_CARD,
  GOOD_CARD,
  orderAnswer,
  shopperOf,
  wish,
} from '../../test/shopper.ts';

const database = await shopDatabase();
const { url } = await startShopProcess(database);
const shoppers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((user) => shopperOf(url, user)));

/** The same for everybody who asks for the same number, so that a failure repeats. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % sides;
  };
}

function shopper(index: number): Asker {
  const found = shoppers[index % shoppers.length];
  if (!found) throw new Error('no shoppers');
  return found;
}

test('trap 50: twins with one key wait for each other and get one order', async () => {
  const twins = Array.from({ length: 12 }, () =>
    shopper(0)('/api/orders', {
      body: wish([
        [2, 1],
        [1, 1],
      ]),
      headers: { 'idempotency-key': 'twins' },
    }),
  );
  const answers = await Promise.all(twins);
  expect(answers.map((answer) => answer.status)).toEqual(Array(12).fill(201));
  expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
  expect(answers.filter((answer) => answer.headers.get('idempotent-replay') === null)).toHaveLength(1);
  const [made] = await database.query<{ orders: string }>(
    "select count(*)::text as orders from shop.orders where user_id = 1 and status = 'placed' and id > 60",
  );
  expect(made?.orders).toBe('1');
});

test('the last pieces are sold once each', async () => {
  await database.query(
    'update shop.stock set seeded = seeded - available + 7, available = 7 where product_id = 20',
  );
  const rush = Array.from({ length: 20 }, (_, index) =>
    shopper(index)('/api/orders', { body: wish([[20, 1]]) }),
  );
  const statuses = (await Promise.all(rush)).map((answer) => answer.status).sort();
  expect(statuses).toEqual([...Array(7).fill(201), ...Array(13).fill(409)]);
  expect(await conservation(database)).toEqual(CONSERVED);
});

test('trap 44: a burst of orders, cancels and callbacks deadlocks nobody and conserves stock and money', async () => {
  const placed: { id: number; by: number }[] = [];
  const journeys = Array.from({ length: 24 }, async (_, index) => {
    const roll = dice(index + 1);
    for (let step = 0; step < 8; step += 1) {
      const items = Array.from({ length: 1 + roll(4) }, (): [number, number] => [1 + roll(12), 1 + roll(3)]);
      const card = roll(10) === 0 ? DECLINED_CARD : GOOD_CARD;
      const answer = await shopper(index)('/api/orders', { body: wish(items, card) });
      expect([201, 402]).toContain(answer.status);
      if (answer.status === 201) placed.push({ id: orderAnswer.parse(answer.body).id, by: index });
      const mine = placed.filter((order) => order.by % shoppers.length === index % shoppers.length);
      const order = mine[roll(Math.max(1, mine.length))];
      if (!order) continue;
      const [cancelled, paid] = await Promise.all([
        roll(2) ? shopper(index)(`/api/orders/${order.id}/cancel`, { method: 'POST' }) : undefined,
        asker(url)('/api/payments/callback', { body: { orderId: order.id, event: 'settled' } }),
      ]);
      if (cancelled) expect(cancelled.status).toBe(200);
      expect([200, 409]).toContain(paid.status);
    }
  });
  await Promise.all(journeys);
  expect(placed.length).toBeGreaterThan(100);
  expect(await conservation(database)).toEqual(CONSERVED);
});
