import { expect, test } from 'vitest';
import { fromCents, toCents } from './money.ts';

test.each(['0.00', '0.05', '0.99', '1.00', '29.99', '9999999999.99'])(
  '%s survives the way there and back',
  (amount) => {
    expect(fromCents(toCents(amount))).toBe(amount);
  },
);

test('cents are whole', () => {
  expect(toCents('29.99')).toBe(2999n);
});
