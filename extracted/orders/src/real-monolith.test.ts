import type { TestDatabase } from '@strangler/cluster/testing';
import { keptCassettes } from '@strangler/parity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Monolith, startMonolith } from '../../../parity/test/monolith.ts';
import { loadSeed } from '../test/replay.ts';
import { createOrdersDatabase, unfinishedSagas } from '../test/service-database.ts';
import { type ServiceProcess, send, startServiceProcess } from '../test/service-process.ts';

const session = z.object({ token: z.string() });
const withId = z.object({ id: z.number() });

let database: TestDatabase;
let monolith: Monolith;
let service: ServiceProcess;
let tokens: string[];

// The service owns a copy of the seeded orders; inventory, payments and keys are the real shop's.
beforeAll(async () => {
  [database, monolith] = await Promise.all([createOrdersDatabase(), startMonolith()]);
  await loadSeed(database, (await keptCassettes()).seed);
  service = await startServiceProcess(database.url('orders_app'), monolith.url);
  tokens = await Promise.all([1, 2, 3, 4].map(tokenOf));
});
afterAll(async () => {
  await service?.crash();
  await monolith?.stop();
});

async function tokenOf(user: number): Promise<string> {
  const body = { email: `user${user}@example.test`, password: 'correct horse' };
  return session.parse((await send(monolith.url, '/api/sessions', { body })).json).token;
}

interface Outcome {
  status: number | 'no answer';
  id?: number;
}

/** One shopper's wish, differing by its number: some cards are declined, some products don't exist, some cancel. */
async function shop(number: number): Promise<Outcome> {
  const token = tokens[number % tokens.length] ?? '';
  const card = number % 7 === 0 ? '4000000000000002' : '4242424242424242';
  const productId = number % 11 === 0 ? 5_000 : 1 + (number % 3);
  const body = { items: [{ productId, quantity: 1 + (number % 4) }], payment: { card } };
  try {
    const placed = await service.request('/api/orders', { token, body, key: `shopper-${number}` });
    if (placed.status !== 201) return { status: placed.status };
    const { id } = withId.parse(placed.json);
    if (number % 5 === 0) {
      const cancelled = await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token });
      return { status: cancelled.status, id };
    }
    return { status: 201, id };
  } catch {
    return { status: 'no answer' };
  }
}

async function burst(from: number, to: number, shoppers: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) outcomes.push(await shop(next++));
  };
  await Promise.all(Array.from({ length: shoppers }, work));
  return outcomes;
}

async function expectConserved(): Promise<void> {
  const products = await monolith.database.query(
    `select product_id from shop.stock where available + reserved + sold <> seeded or reserved <> 0`,
  );
  expect(products).toEqual([]);
  const [kept] = await monolith.database.query<{ cents: string }>(
    `select sum((amount - refunded) * 100)::bigint::text as cents from shop.payments
     where state in ('charged', 'settled', 'refunded')`,
  );
  const [ordered] = await database.query<{ cents: string }>(
    `select sum(total_cents)::text as cents from orders.customer_order where state <> 'cancelled'`,
  );
  expect(kept?.cents).toBe(ordered?.cents);
  const [sold] = await monolith.database.query<{ pieces: string }>(
    'select sum(sold)::text as pieces from shop.stock',
  );
  const [lines] = await database.query<{ pieces: string }>(
    `select sum(quantity)::text as pieces from orders.order_line
     join orders.customer_order using (order_id) where state <> 'cancelled'`,
  );
  expect(sold?.pieces).toBe(lines?.pieces);
}

test('a burst against the real shop conserves stock and money', async () => {
  await expectConserved();
  const outcomes = await burst(1, 90, 8);
  expect(new Set(outcomes.map((outcome) => outcome.status))).toEqual(new Set([200, 201, 400, 402]));
  await expect.poll(() => unfinishedSagas(database), { timeout: 15_000 }).toBe(0);
  await expectConserved();
});

test('killed in the middle of a burst, it conserves them once it is back, and keeps what it acknowledged', async () => {
  const running = burst(1_000, 1_200, 8);
  const placedSome = async (): Promise<boolean> =>
    (
      await database.query(
        `select from orders.request_key where request_key like 'shopper-1%' and length(request_key) = 12 limit 20`,
      )
    ).length === 20;
  await expect.poll(placedSome, { interval: 5, timeout: 10_000 }).toBe(true);
  await service.crash();
  const outcomes = await running;
  expect(outcomes.some((outcome) => outcome.status === 'no answer')).toBe(true);
  service = await startServiceProcess(database.url('orders_app'), monolith.url);
  await expect.poll(() => unfinishedSagas(database), { timeout: 15_000 }).toBe(0);
  await expectConserved();
  const acknowledged = outcomes.flatMap((outcome) => outcome.id ?? []);
  const kept = await database.query('select from orders.customer_order where order_id = any($1)', [
    acknowledged,
  ]);
  expect(kept).toHaveLength(acknowledged.length);
});
