import net, { type AddressInfo, type Socket } from 'node:net';
import { waitFor } from '@strangler/errors';
import { decide as decideAt, epochOf, openSide } from '@strangler/ledger';
import { afterAll, expect, test } from 'vitest';
import { ask, openShop, post, startFacade, until } from './shop.ts';

test('a position that cannot be read costs no answer: the client stays with the owner for the lag limit', async () => {
  const shop = await openShop({ lag: '2s' });
  await shop.ledger.follow();
  shop.flags.flags.set('strangler.orders.get', 100);
  const facade = await shop.facade();
  const read = async (headers: Record<string, string>) => {
    await shop.ledger.applied('service', 'all');
    return await ask(facade.url, '/api/orders/7', { headers });
  };
  await until(
    () => read({ 'x-client': 'c2' }),
    ({ reason }) => reason === 'flag',
    'reads on the copy',
  );
  await shop.ledger.databases.monolith.query(
    'REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn() FROM PUBLIC',
  );
  const written = await ask(facade.url, '/api/orders', post());
  const since = performance.now();
  expect(written).toMatchObject({ status: 200, from: 'monolith', reason: 'owner' });
  const cookie = written.cookies.map((each) => each.split(';')[0]).join('; ');
  expect(cookie).toMatch(/^strangler=orders:m:1:FFFFFFFF\/FFFFFFFF:\d+\./);
  expect(await read({ 'x-client': 'c1' })).toMatchObject({ from: 'monolith', reason: 'own-write' });
  expect(await read({ cookie })).toMatchObject({ from: 'monolith', reason: 'own-write' });
  expect(await read({ 'x-client': 'c2' })).toMatchObject({ from: 'service', reason: 'flag' });
  await until(
    () => read({ cookie, 'x-client': 'c1' }),
    ({ reason }) => reason === 'flag',
    'the limit being over',
  );
  expect(performance.now() - since).toBeGreaterThan(2_000);
});

test('trap 53: a client without any identity is known by its cookies, the facade’s own', async () => {
  const shop = await openShop();
  await shop.ledger.follow();
  shop.flags.flags.set('strangler.orders.get', 50);
  const facade = await shop.facade();
  const visit = async () => {
    await shop.ledger.applied('service', 'all');
    return await ask(facade.url, '/api/orders/7');
  };
  const moved = await until(
    visit,
    ({ reason, from }) => reason === 'flag' && from === 'service',
    'one of the half',
  );
  const jar = moved.cookies.map((each) => each.split(';')[0]).join('; ');
  expect(jar).toMatch(/^strangler_id=/);
  for (let n = 0; n < 10; n += 1) {
    await shop.ledger.applied('service', 'all');
    expect(await ask(facade.url, '/api/orders/7', { headers: { cookie: jar } })).toMatchObject({
      from: 'service',
      cookies: [],
    });
  }
  await shop.ledger.write('monolith');
  const written = await ask(facade.url, '/api/orders', { method: 'POST', headers: { cookie: jar } });
  expect(written.cookies.map((each) => each.split('=')[0])).toEqual(['strangler']);
  expect(await ask(facade.url, '/api/orders/7', { headers: { cookie: jar } })).toMatchObject({
    reason: 'own-write',
  });
});

test('trap 53: with two facades, a client without cookies reads through one what it wrote through the other', async () => {
  const shop = await openShop();
  await shop.ledger.follow();
  shop.flags.flags.set('strangler.orders.get', 100);
  const first = await shop.facade();
  const second = await shop.facade();
  const read = (headers: Record<string, string> = {}) =>
    ask(second.url, '/api/orders/7', { headers: { 'x-client': 'c1', ...headers } });
  const readWhileApplying = async () => {
    const answer = read();
    await shop.ledger.applied('service', 'all');
    return await answer;
  };
  await until(readWhileApplying, ({ reason }) => reason === 'flag', 'the copy having caught up meanwhile');
  await shop.ledger.write('monolith');
  await ask(first.url, '/api/orders', post());
  expect(await read()).toMatchObject({ from: 'monolith', reason: 'own-write' });
  // Whoever carries a cookie of ours would have been told: nothing is asked for it.
  await shop.ledger.applied('service', 'all');
  expect(await read({ cookie: 'strangler_id=1' })).toMatchObject({ from: 'service', reason: 'flag' });
  await first.stop();
  await until(readWhileApplying, ({ reason }) => reason === 'flag', 'the copy answering again');
});

test('trap 53: when another facade has gone, what it passed on is owed to everybody', async () => {
  const shop = await openShop({ lag: '30s', ownWrite: '20ms' });
  await shop.ledger.follow();
  shop.flags.flags.set('strangler.orders.get', 100);
  const first = await shop.facade();
  const second = await shop.facade();
  const read = (client: string) => ask(second.url, '/api/orders/7', { headers: { 'x-client': client } });
  const knows = async (others: number) =>
    await until(
      () => shop.ledger.databases.monolith.query('SELECT FROM strangler.facade'),
      (rows) => rows.length === 1 + others,
      'the facades in the ledger',
    );
  await knows(1);
  await shop.ledger.write('monolith');
  await shop.ledger.applied('service', 'all');
  await ask(first.url, '/api/orders', post());
  await shop.ledger.write('monolith');
  await first.stop();
  await knows(0);
  // Whether it has noticed yet or not: the copy lacks what the other may have written.
  for (let n = 0; n < 40; n += 1)
    expect(await read('c1')).toMatchObject({ from: 'monolith', reason: 'own-write' });
  expect(second.isReady()).toBe(true);
  await shop.ledger.applied('service', 'all');
  await until(
    () => read('c1'),
    ({ reason }) => reason === 'flag',
    'the copy answering again',
  );
});

/** A way to a database that can be held up. */
async function relayTo(url: string) {
  const target = new URL(url);
  const pairs = new Set<Socket>();
  let held = false;
  const server = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname);
    for (const [here, there] of [
      [near, far],
      [far, near],
    ] as const) {
      here.on('data', (data) => there.write(data));
      here.on('close', () => {
        pairs.delete(here);
        there.destroy();
      });
      here.on('error', () => {});
      if (held) here.pause();
      pairs.add(here);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    for (const socket of pairs) socket.destroy();
    server.close();
  });
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.toString(),
    hold(wanted: boolean) {
      held = wanted;
      for (const socket of pairs)
        if (held) socket.pause();
        else socket.resume();
    },
  };
}

test('trap 54: a facade that has not seen the new owner yet looks before a copy answers a client without cookies', async () => {
  const shop = await openShop();
  await shop.ledger.follow();
  const relay = await relayTo(shop.config.extractions[0]?.service.database ?? '');
  const first = await shop.facade();
  const second = await startFacade({
    ...shop.config,
    extractions: shop.config.extractions.map((each) => ({
      ...each,
      service: { ...each.service, database: relay.url },
    })),
  });
  await shop.ledger.stage('switched');
  const fence = await shop.ledger.fence('monolith', epochOf.parse(1));
  const decided = await shop.ledger.as('monolith', 'operator', (sql) =>
    decideAt(sql, 'orders', fence, 500, {}),
  );
  relay.hold(true);
  await shop.ledger.as('service', 'apply', (sql) => openSide(sql, 'orders', decided));
  await until(
    () => ask(first.url, '/api/orders', post()),
    ({ from }) => from === 'service',
    'a write at the new owner',
  );
  await shop.ledger.write('service');
  const begun = shop.monolith.seen.length;
  const reading = ask(second.url, '/account', { headers: { 'x-client': 'c1' } });
  await waitFor(() => first.isReady() || undefined, { timeoutMs: 100, what: 'a turn' });
  relay.hold(false);
  expect(await reading).toMatchObject({ status: 503, reason: 'late' });
  expect(shop.monolith.seen.length).toBe(begun);
});
