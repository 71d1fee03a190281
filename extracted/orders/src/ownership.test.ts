import type { TestDatabase } from '@strangler/cluster/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createOrdersDatabase, unfinishedSagas } from '../test/service-database.ts';
import { type ServiceProcess, startServiceProcess } from '../test/service-process.ts';
import { type StandInMonolith, startStandInMonolith } from '../test/stand-in-monolith.ts';

const body = { items: [{ productId: 7, quantity: 2 }], payment: { card: '4242424242424242' } };
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
beforeEach(() => database.query('drop schema if exists strangler cascade'));

/** What somebody who guards the database installs: an answer to ask for, and a trigger that refuses. */
async function guard(options: { says: boolean; refuses: boolean }): Promise<void> {
  await database.query(`
    create schema strangler;
    grant usage on schema strangler to orders_app;
    create function strangler.is_owner(extraction text) returns boolean language sql
      as 'select ${options.says} and extraction = ''orders''';
    create function strangler.fence() returns trigger language plpgsql as $$
    begin
      raise exception 'writes belong to another side' using errcode = 'SF001';
    end $$;
  `);
  if (!options.refuses) return;
  for (const table of ['customer_order', 'order_line', 'request_key']) {
    await database.query(`create trigger fence before insert or update or delete on orders.${table}
      for each statement execute function strangler.fence()`);
  }
}

function expectNotOwner(answer: { status: number; json: unknown; headers: Headers }): void {
  expect(answer).toMatchObject({ status: 503, json: { error: 'not_owner' } });
  expect(answer.headers.get('x-nothing-written')).toBe('true');
}

test('without anybody who guards the database the service owns', async () => {
  expect((await service.request('/api/orders', { token, body })).status).toBe(201);
});

test('while it does not own, it is ready and reads, and refuses writes before anything is asked', async () => {
  const { id } = withId.parse((await service.request('/api/orders', { token, body })).json);
  await guard({ says: false, refuses: true });
  const calls = monolith.calls.length;
  expectNotOwner(await service.request('/api/orders', { token, body, key: 'fenced' }));
  expectNotOwner(await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token }));
  expectNotOwner(
    await service.request('/api/payments/callback', { body: { orderId: id, event: 'settled' } }),
  );
  expect(monolith.calls.length).toBe(calls);
  expect((await service.request('/ready')).status).toBe(200);
  expect((await service.request('/health')).status).toBe(200);
  expect((await service.request(`/api/orders/${id}`, { token })).status).toBe(200);
});

test('trap 38: a fence that closes in the middle of a saga undoes it: nothing written, nothing kept', async () => {
  const charge = monolith.hold('/internal/payments/charge', 'before');
  const placing = service.request('/api/orders', { token, body, key: 'mid-saga' });
  await charge.reached;
  await guard({ says: true, refuses: true });
  charge.release();
  expectNotOwner(await placing);
  expect([...monolith.orders.values()].at(-1)).toMatchObject({ inventory: 'released', payment: 'refunded' });
  expect(await unfinishedSagas(database)).toBe(0);
  await database.query('drop schema strangler cascade');
  expect((await service.request('/api/orders', { token, body, key: 'mid-saga' })).status).toBe(201);
});

test("trap 49: ownership lost since it was asked for: no id is taken, which is the new owner's to give", async () => {
  await guard({ says: true, refuses: true });
  const calls = monolith.calls.length;
  expectNotOwner(await service.request('/api/orders', { token, body, key: 'too-late' }));
  expect(monolith.calls.length).toBe(calls);
  expect(await database.query(`select from orders.saga where request_key = 'too-late'`)).toEqual([]);
});

test('a cancel that the fence refuses leaves the order, the stock and the money alone', async () => {
  const { id } = withId.parse((await service.request('/api/orders', { token, body })).json);
  await guard({ says: true, refuses: true });
  expectNotOwner(await service.request(`/api/orders/${id}/cancel`, { method: 'POST', token }));
  expect(monolith.orders.get(id)).toMatchObject({ inventory: 'confirmed', payment: 'charged' });
  expect((await service.request(`/api/orders/${id}`, { token })).json).toMatchObject({ status: 'placed' });
});

test('the guard may go away again while the service runs', async () => {
  await guard({ says: false, refuses: false });
  expectNotOwner(await service.request('/api/orders', { token, body }));
  await database.query('drop schema strangler cascade');
  expect((await service.request('/api/orders', { token, body })).status).toBe(201);
});
