import { expect, test } from 'vitest';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { asker } from '../../test/shopper.ts';

const database = await shopDatabase();
const ask = asker((await startShopProcess(database)).url);

test.each([
  ['weight=2.5&country=DE', { country: 'DE', weight: 2.5, price: '7.90', days: 2 }],
  ['weight=2.5&country=de', { country: 'DE', weight: 2.5, price: '7.90', days: 2 }],
  ['weight=1&country=FR', { country: 'FR', weight: 1, price: '10.30', days: 4 }],
  ['weight=0.001&country=JP', { country: 'JP', weight: 0.001, price: '14.91', days: 9 }],
  ['weight=1000&country=ZZ', { country: 'ZZ', weight: 1000, price: '6514.90', days: 9 }],
])('quotes %s', async (query, quote) => {
  const answer = await ask(`/api/shipping/quote?${query}`);
  expect([answer.status, answer.body]).toEqual([200, quote]);
});

test.each([
  '',
  'weight=1',
  'country=DE',
  'weight=0&country=DE',
  'weight=1000.1&country=DE',
  'weight=-1&country=DE',
  'weight=1e2&country=DE',
  'weight=1&country=GER',
])('answers 400 for "%s"', async (query) => {
  expect(await ask(`/api/shipping/quote?${query}`)).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
});
