import { parseConfig } from '@strangler/config';
import { epochOf } from '@strangler/ledger';
import { beforeAll, expect, test } from 'vitest';
import { plantedBug } from '../src/planted-bug.ts';
import { ask, openShop, post, type TestShop, until } from './shop.ts';

let shop: TestShop;
beforeAll(async () => {
  shop = await openShop();
  await shop.ledger.follow();
});
const env = (bug: string) => ({
  env: { STRANGLER_COOKIE_SECRET: 'a secret of the tests', STRANGLER_BUG: bug },
});

test('read-before-applied: a read goes to a copy that lacks the client’s write', async () => {
  shop.flags.flags.set('strangler.orders.get', 100);
  const facade = await shop.facade(env('read-before-applied'));
  await shop.ledger.applied('service', 1n);
  await ask(facade.url, '/api/orders', post());
  const read = () => ask(facade.url, '/api/orders/7', { headers: { 'x-client': 'c1' } });
  await until(read, ({ from }) => from === 'service', 'a stale read');
  await facade.stop();
});

test('write-to-wrong-side: every 50th write after the switch goes to the monolith', async () => {
  const facade = await shop.facade(env('write-to-wrong-side'));
  await shop.ledger.move('monolith', epochOf.parse(1));
  await until(
    () => ask(facade.url, '/api/orders', post()),
    ({ from }) => from === 'service',
    'the switch',
  );
  const sides = [];
  for (let n = 0; n < 60; n += 1) sides.push((await ask(facade.url, '/api/orders', post())).from);
  expect(sides.filter((side) => side === 'monolith')).toHaveLength(1);
  await facade.stop();
});

test('bugs are planted only where the environment’s name says demo', () => {
  const shopConfig = parseConfig(
    { environment: 'shop', monolith: { url: 'http://m', database: 'postgresql://h/m' } },
    'x',
  );
  expect(() => plantedBug(shopConfig, 'write-to-wrong-side')).toThrow(/USAGE: .*demo/);
  expect(plantedBug(shopConfig, 'sink-drops-transaction')).toBeUndefined();
  expect(plantedBug(shop.config, 'write-to-wrong-side')).toBe('write-to-wrong-side');
});
