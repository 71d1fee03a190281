import type { TestDatabase } from '@strangler/cluster/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createOrdersDatabase, unfinishedSagas } from '../test/service-database.ts';
import { type ServiceProcess, startServiceProcess } from '../test/service-process.ts';
import { startSeveringProxy } from '../test/severing-proxy.ts';
import {
  type HoldPoint,
  type OrderTrace,
  type StandInMonolith,
  startStandInMonolith,
} from '../test/stand-in-monolith.ts';
import { delayAfter } from './recovery.ts';

const body = { items: [{ productId: 7, quantity: 2 }], payment: { card: '4242424242424242' } };
const withId = z.object({ id: z.number() });

let database: TestDatabase;
let monolith: StandInMonolith;
let token: string;
const services: ServiceProcess[] = [];

beforeAll(async () => {
  [database, monolith] = await Promise.all([createOrdersDatabase(), startStandInMonolith()]);
  token = await monolith.token(42);
});
afterEach(async () => {
  monolith.failing = false;
  await Promise.all(services.splice(0).map((service) => service.crash()));
});
afterAll(() => monolith?.stop());

async function start(settings?: Record<string, string>): Promise<ServiceProcess> {
  const service = await startServiceProcess(database.url('orders_app'), monolith.url, settings);
  services.push(service);
  return service;
}

/** One that is about to be killed: what it leaves behind is taken over soon. */
const startDoomed = (): Promise<ServiceProcess> => start({ SAGA_LEASE_MS: '1000' });

const allEnded = () => expect.poll(() => unfinishedSagas(database), { timeout: 15_000 }).toBe(0);

/** Takes the service's database away from it, or gives it back. */
async function allowConnections(allowed: boolean): Promise<void> {
  const verb = allowed ? 'grant connect' : 'revoke connect';
  await database.query(`${verb} on database ${database.name} ${allowed ? 'to' : 'from'} public, orders_app`);
  if (allowed) return;
  await database.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and datname = current_database()',
    ['orders_app'],
  );
}

async function orderStates(): Promise<Map<number, string>> {
  const rows = await database.query<{ order_id: string; state: string }>(
    'select order_id, state from orders.customer_order',
  );
  return new Map(rows.map((row) => [Number(row.order_id), row.state]));
}

/** What must hold between both worlds once every saga has ended. */
async function expectConserved(): Promise<void> {
  const states = await orderStates();
  for (const [id, trace] of monolith.orders) expectAlike(states.get(id), trace);
}

function expectAlike(state: string | undefined, trace: OrderTrace): void {
  if (state === undefined) {
    expect(trace).toMatchObject({ inventory: 'released' });
    expect(trace.payment).toBeOneOf(['refunded', 'voided']);
  } else if (state === 'cancelled') {
    expect(trace).toMatchObject({ inventory: 'released', payment: 'refunded' });
  } else {
    expect(trace).toMatchObject({ inventory: 'confirmed', payment: 'charged' });
  }
}

describe('kill -9 while an order is placed', () => {
  const steps: [string, HoldPoint, 'order' | 'no order'][] = [
    ['/internal/inventory/reserve', 'before', 'no order'],
    ['/internal/inventory/reserve', 'after', 'no order'],
    ['/internal/payments/charge', 'before', 'no order'],
    ['/internal/payments/charge', 'after', 'no order'],
    ['/internal/inventory/confirm', 'before', 'order'],
    ['/internal/inventory/confirm', 'after', 'order'],
  ];

  test.each(steps)('%s, %s its effect: %s, nothing lost or left over', async (path, point, outcome) => {
    const before = (await orderStates()).size;
    const service = await startDoomed();
    const hold = monolith.hold(path, point);
    const lost = service.request('/api/orders', { token, body }).catch(() => 'no answer');
    await hold.reached;
    await service.crash();
    expect(await lost).toBe('no answer');
    await start();
    await allEnded();
    // The call of the dead process arrives last, after its undo.
    hold.release();
    await allEnded();
    expect((await orderStates()).size).toBe(before + (outcome === 'order' ? 1 : 0));
    await expect.poll(expectConserved).toBeUndefined();
  });

  test('the same request may be sent again after the crash and places one order', async () => {
    const before = (await orderStates()).size;
    const service = await startDoomed();
    const hold = monolith.hold('/internal/payments/charge', 'after');
    const lost = service.request('/api/orders', { token, body, key: 'crashed' }).catch(() => 'no answer');
    await hold.reached;
    await service.crash();
    await lost;
    hold.release();
    const next = await start();
    const again = await next.request('/api/orders', { token, body, key: 'crashed' });
    expect(again.status).toBe(201);
    await allEnded();
    expect((await orderStates()).size).toBe(before + 1);
    await expectConserved();
  });

  test('recovery goes on until the contexts answer again', async () => {
    const service = await startDoomed();
    const hold = monolith.hold('/internal/payments/charge', 'after');
    const lost = service.request('/api/orders', { token, body }).catch(() => 'no answer');
    await hold.reached;
    await service.crash();
    await lost;
    hold.release();
    monolith.failing = true;
    await start({ BREAKER_RESET_MS: '200' });
    const tried = monolith.calls.length;
    await expect.poll(() => monolith.calls.length, { timeout: 10_000 }).toBeGreaterThan(tried + 3);
    expect(await unfinishedSagas(database)).toBe(1);
    monolith.failing = false;
    await allEnded();
    await expectConserved();
  });
});

test('with the contexts down the circuit opens: orders are refused at once, and nothing is left to take back', async () => {
  const before = (await orderStates()).size;
  const service = await start({ BREAKER_RESET_MS: '60000' });
  monolith.failing = true;
  const place = () => service.request('/api/orders', { token, body });
  for (let i = 0; i < 12; i += 1) expect((await place()).status).toBe(503);
  const [calls, sagas] = [monolith.calls.length, await unfinishedSagas(database)];
  expect(await place()).toMatchObject({ status: 503, json: { error: 'unavailable' } });
  expect(monolith.calls.length).toBe(calls);
  expect(await unfinishedSagas(database)).toBeLessThanOrEqual(sagas);
  await service.stop();
  monolith.failing = false;
  await start();
  await allEnded();
  expect((await orderStates()).size).toBe(before);
  await expectConserved();
});

test('a backlog of many unfinished sagas is worked off in one go', async () => {
  await database.query(
    `insert into orders.saga (kind, state, order_id, customer_id)
     select 'place', 'started', nextval('orders.customer_order_id'), 42 from generate_series(1, 90)`,
  );
  // One round only: the next one would come after the test.
  await start({ RECOVERY_INTERVAL_MS: '600000' });
  await allEnded();
  await expectConserved();
});

test('kill -9 while an order is cancelled: it stays cancelled, stock and money come back', async () => {
  const service = await startDoomed();
  const { id } = withId.parse((await service.request('/api/orders', { token, body })).json);
  const hold = monolith.hold('/internal/inventory/release', 'before');
  const lost = service
    .request(`/api/orders/${id}/cancel`, { method: 'POST', token })
    .catch(() => 'no answer');
  await hold.reached;
  await service.crash();
  await lost;
  await start();
  await allEnded();
  hold.release();
  expect((await orderStates()).get(id)).toBe('cancelled');
  await expectConserved();
});

test('trap 46: a holder that wakes after its lease neither writes the order nor keeps the stock', async () => {
  const before = (await orderStates()).size;
  const slow = await start();
  const hold = monolith.hold('/internal/payments/charge', 'after');
  const answer = slow.request('/api/orders', { token, body });
  await hold.reached;
  await database.query(
    `update orders.saga set lease_until = clock_timestamp() - interval '1 s' where state = 'started'`,
  );
  await start();
  await allEnded();
  hold.release();
  expect(await answer).toMatchObject({ status: 503, json: { error: 'unavailable' } });
  expect((await orderStates()).size).toBe(before);
  await expectConserved();
});

test('a holder that lost its database in the middle of an order turns back as soon as it has it again', async () => {
  const before = (await orderStates()).size;
  const service = await start();
  const hold = monolith.hold('/internal/payments/charge', 'after');
  const answer = service.request('/api/orders', { token, body, key: 'outage' });
  await hold.reached;
  await allowConnections(false);
  hold.release();
  expect((await answer).status).toBeGreaterThanOrEqual(500);
  await allowConnections(true);
  await allEnded();
  expect((await orderStates()).size).toBe(before);
  await expectConserved();
  expect((await service.request('/api/orders', { token, body, key: 'outage' })).status).toBe(201);
});

test('a commit whose answer was lost is an order: the customer gets it, once', async () => {
  const before = (await orderStates()).size;
  const direct = new URL(database.url('orders_app'));
  const proxy = await startSeveringProxy(Number(direct.port), 'insert into orders.customer_order');
  direct.port = String(proxy.port);
  try {
    const service = await start({ DATABASE_URL: direct.toString() });
    const placed = await service.request('/api/orders', { token, body, key: 'severed' });
    expect(proxy.severed()).toBe(1);
    expect(placed).toMatchObject({ status: 201, json: { status: 'placed', total: '20.00' } });
    const again = await service.request('/api/orders', { token, body, key: 'severed' });
    expect(again.text).toBe(placed.text);
    await allEnded();
    expect((await orderStates()).size).toBe(before + 1);
    await expectConserved();
  } finally {
    await proxy.stop();
  }
});

test('a living holder keeps its saga for longer than one lease', async () => {
  const service = await start({ SAGA_LEASE_MS: '2000' });
  const hold = monolith.hold('/internal/payments/charge', 'before');
  const answer = service.request('/api/orders', { token, body });
  await hold.reached;
  await start();
  const [claimed] = await database.query<{ until: string }>(
    `select lease_until::text as until from orders.saga where state = 'started'`,
  );
  await expect
    .poll(
      async () =>
        (
          await database.query(
            `select from orders.saga where state = 'started' and lease_until > $1::timestamptz + interval '2 s'`,
            [claimed?.until],
          )
        ).length,
      { timeout: 10_000 },
    )
    .toBe(1);
  hold.release();
  expect((await answer).status).toBe(201);
  await expectConserved();
});

test('SIGTERM lets an order in flight finish, then ends with 0', async () => {
  const service = await start();
  const hold = monolith.hold('/internal/payments/charge', 'before');
  const answer = service.request('/api/orders', { token, body });
  await hold.reached;
  const stopped = service.stop();
  hold.release();
  expect((await answer).status).toBe(201);
  expect(await stopped).toBe(0);
  expect(await unfinishedSagas(database)).toBe(0);
});

test('the wait between attempts doubles up to half a minute', () => {
  expect([0, 1, 2, 3].map(delayAfter)).toEqual([250, 500, 1_000, 2_000]);
  expect(delayAfter(1_000)).toBe(30_000);
});
