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
