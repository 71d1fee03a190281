import { epochOf } from '@strangler/ledger';
import pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask, openShop, post, type TestFacade, type TestShop, until } from './shop.ts';

let shop: TestShop;
let facade: TestFacade;
beforeAll(async () => {
  shop = await openShop();
  await shop.ledger.follow();
  shop.flags.flags.set('strangler.orders.get', 100);
  facade = await shop.facade();
});

/** Nobody reads or writes the ledger's ownership until `end`: to a facade the database is frozen. */
async function freeze(side: 'monolith' | 'service') {
  const client = new pg.Client({ connectionString: shop.ledger.databases[side].url() });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE strangler.ownership, strangler.checkpoint IN ACCESS EXCLUSIVE MODE');
  return {
    async end() {
      await client.query('COMMIT');
      await client.end();
    },
  };
}

const write = () => ask(facade.url, '/api/orders', post());
const read = (client = 'c2') => ask(facade.url, '/api/orders/7', { headers: { 'x-client': client } });

describe('a facade whose ledger does not answer', () => {
  beforeEach(async () => {
    await until(write, ({ status }) => status === 200, 'writes passing');
    await shop.ledger.applied('service', 'all');
  });

  test('trap 54: stops passing writes on within its lease, and goes on when it knows again', async () => {
    const frozen = await freeze('monolith');
    const since = performance.now();
    const refused = await until(write, ({ status }) => status === 503, 'the lease ending');
    expect(refused).toMatchObject({ reason: 'no-view', target: null });
    expect(performance.now() - since).toBeLessThan(2_600);
    expect(await ask(facade.url, '/products')).toMatchObject({ status: 200, reason: 'default' });
    expect(await ask(facade.url, '/account')).toMatchObject({ status: 200, reason: 'reader' });
    await frozen.end();
    await until(write, ({ status }) => status === 200, 'the view coming back');
  });

  test('reads leave the copy when the service database does not answer: its lag is no longer known', async () => {
    await until(read, ({ reason }) => reason === 'flag', 'reads on the copy');
    const frozen = await freeze('service');
    await until(read, ({ reason, from }) => reason === 'lag' && from === 'monolith', 'reads leaving');
    expect(await write()).toMatchObject({ status: 200, from: 'monolith' });
    await frozen.end();
    await shop.ledger.applied('service', 'all');
    await until(read, ({ reason }) => reason === 'flag', 'reads coming back');
  });
});

describe('a facade that has just started', () => {
  test('treats every client as if it had just written', async () => {
    await shop.ledger.applied('service', 1n);
    const fresh = await shop.facade();
    const anybody = () =>
      ask(fresh.url, '/api/orders/7', { headers: { 'x-client': 'anybody', cookie: 'strangler_id=1' } });
    await until(anybody, ({ reason }) => reason === 'own-write', 'the flag being known');
    expect(await anybody()).toMatchObject({ from: 'monolith', target: 'monolith' });
    await shop.ledger.applied('service', 'all');
    await until(anybody, ({ reason }) => reason === 'flag', 'the copy being good enough');
    await fresh.stop();
  });

  test('learns from a cookie of another facade that ownership has moved; a tampered cookie says nothing', async () => {
    const written = await write();
    const cookie = written.cookies.map((each) => each.split(';')[0]).join('; ');
    expect(cookie).toMatch(/^strangler=/);
    expect(await ask(facade.url, '/api/orders/7', { headers: { cookie } })).toMatchObject({ status: 200 });
    const tampered = cookie.replace(/:1:/, ':9:');
    expect(await ask(facade.url, '/api/orders/7', { headers: { cookie: tampered } })).toMatchObject({
      status: 200,
    });
    expect(await shop.ledger.move('monolith', epochOf.parse(1))).toBe(epochOf.parse(4));
    await shop.ledger.stage('switched');
    const other = await shop.facade();
    const later = await until(
      () => ask(other.url, '/api/orders', post()),
      ({ from }) => from === 'service',
      'the switch',
    );
    const newer = later.cookies.map((each) => each.split(';')[0]).join('; ');
    expect(newer).toMatch(/orders:s:4:/);
    const answer = await ask(facade.url, '/account', { headers: { cookie: newer } });
    expect(answer).toMatchObject({ status: 503, reason: 'late' });
    await other.stop();
  });
});
