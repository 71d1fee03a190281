import { expect, test } from 'vitest';
import { ask, openShop, post, until } from './shop.ts';

test('a position that cannot be read costs no answer: the client stays with the owner for the lag limit', async () => {
  const shop = await openShop({ lag: '400ms' });
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
  expect(performance.now() - since).toBeGreaterThan(400);
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
  await shop.ledger.applied('service', 1n);
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
