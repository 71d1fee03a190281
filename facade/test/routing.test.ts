import { epochOf } from '@strangler/ledger';
import { beforeAll, describe, expect, test } from 'vitest';
import { ask, openShop, post, type TestFacade, type TestShop, until } from './shop.ts';

let shop: TestShop;
let facade: TestFacade;
beforeAll(async () => {
  shop = await openShop();
  facade = await shop.facade();
});
const read = (client = 'c1') => ask(facade.url, '/api/orders/7', { headers: { 'x-client': client } });

describe('a walk from planned to switched and back', () => {
  test('before the first sync the monolith answers everything', async () => {
    expect(await ask(facade.url, '/products')).toMatchObject({
      from: 'monolith',
      target: 'monolith',
      reason: 'default',
    });
    expect(await ask(facade.url, '/api/orders', post())).toMatchObject({ from: 'monolith', reason: 'owner' });
    expect(await read()).toMatchObject({ from: 'monolith', reason: 'flag' });
    expect(await ask(facade.url, '/account')).toMatchObject({ from: 'monolith', reason: 'reader' });
  });

  test('a route without tables moves by its flag alone, and back', async () => {
    shop.flags.flags.set('strangler.route.quote', 100);
    const quote = () => ask(facade.url, '/api/shipping/quote?weight=1');
    await until(quote, ({ from }) => from === 'service', 'the quote moving');
    shop.flags.flags.set('strangler.route.quote', 0);
    await until(
      quote,
      ({ from, reason }) => from === 'monolith' && reason === 'flag',
      'the quote moving back',
    );
  });

  test('reads move by flag once the copy follows, within the lag limit, and can be sent home', async () => {
    shop.flags.flags.set('strangler.orders.get', 100);
    await until(read, ({ reason }) => reason === 'stage', 'the flag being on');
    await shop.ledger.follow();
    await shop.ledger.applied('service', 'all');
    await until(read, ({ from, reason }) => from === 'service' && reason === 'flag', 'reads moving');
    await shop.ledger.applied('service', 'all', 60_000);
    await until(read, ({ from, reason }) => from === 'monolith' && reason === 'lag', 'the lag limit');
    await shop.ledger.applied('service', 'all');
    await shop.ledger.homes(['get']);
    await until(read, ({ from, reason }) => from === 'monolith' && reason === 'home', 'going home');
    await shop.ledger.homes([]);
    await until(read, ({ reason }) => reason === 'flag', 'coming back');
  });

  test('trap 53: a client reads its own write, from the owner until the copy has it', async () => {
    await shop.ledger.write('monolith');
    const written = await ask(facade.url, '/api/orders', post());
    expect(written).toMatchObject({ from: 'monolith', reason: 'owner', status: 200 });
    expect(written.cookies.join()).toMatch(/^strangler=orders:m:1:[0-9A-F/]+\.[\w-]+; Path=\/; .*HttpOnly/);
    expect(await read()).toMatchObject({ from: 'monolith', reason: 'own-write' });
    expect(await read('somebody else')).toMatchObject({ from: 'service', reason: 'flag' });
    const pending = ask(facade.url, '/api/orders/7', { headers: { 'x-client': 'c1' } });
    await shop.ledger.applied('service', 'all');
    expect(['flag', 'own-write']).toContain((await pending).reason);
    await until(read, ({ from, reason }) => from === 'service' && reason === 'flag', 'the copy having it');
  });

  test('after the switch the service owns: writes, reads, and readers after the copy back', async () => {
    const opened = await shop.ledger.move('monolith', epochOf.parse(1));
    await shop.ledger.stage('switched');
    await until(
      () => ask(facade.url, '/api/orders', post()),
      ({ from, status }) => from === 'service' && status === 200,
      'writes moving',
    );
    expect(await read()).toMatchObject({ from: 'service', reason: 'owner' });
    expect(await ask(facade.url, '/account', { headers: { 'x-client': 'c1' } })).toMatchObject({
      status: 503,
      reason: 'late',
    });
    expect(await ask(facade.url, '/api/reports/sales', { headers: { 'x-client': 'c1' } })).toMatchObject({
      from: 'monolith',
      reason: 'late',
    });
    expect(await ask(facade.url, '/account')).toMatchObject({ from: 'monolith', reason: 'reader' });
    await shop.ledger.applied('monolith', 'all');
    expect(await ask(facade.url, '/account', { headers: { 'x-client': 'c1' } })).toMatchObject({
      reason: 'reader',
    });
    await shop.ledger.move('service', opened);
    await shop.ledger.stage('following');
    await until(
      () => ask(facade.url, '/api/orders', post()),
      ({ from }) => from === 'monolith',
      'writes moving back',
    );
    await shop.ledger.applied('service', 1n);
    await until(
      read,
      ({ from, reason }) => from === 'monolith' && reason === 'own-write',
      'the owner answering',
    );
  });
});
