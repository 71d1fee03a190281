import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLsn, laterLsn, lsn, parseLsn } from './index.ts';

const positions = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map(lsn);

describe('Lsn', () => {
  it('reads and writes what PostgreSQL prints', () => {
    expect(parseLsn('16/B374D848')).toBe(0x16_b374_d848n);
    expect(formatLsn(lsn(0x16_b374_d848n))).toBe('16/B374D848');
    // No leading zeros in either half.
    expect(formatLsn(lsn(0x1_0000_000an))).toBe('1/A');
    expect(formatLsn(parseLsn('0/0'))).toBe('0/0');
    expect(formatLsn(parseLsn('ffffffff/ffffffff'))).toBe('FFFFFFFF/FFFFFFFF');
  });

  it('survives the way there and back, for every position', () => {
    fc.assert(fc.property(positions, (position) => parseLsn(formatLsn(position)) === position));
  });

  it('is compared as a number, not as text', () => {
    expect(parseLsn('9/0') < parseLsn('10/0')).toBe(true);
    expect(laterLsn(parseLsn('9/FFFFFFFF'), parseLsn('A/0'))).toBe(parseLsn('A/0'));
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        const later = laterLsn(a, b);
        return later >= a && later >= b && later === laterLsn(b, a);
      }),
    );
  });

  it.each([
    '',
    '16',
    '16/',
    '/1',
    '16/B374D848/0',
    '123456789/0',
    '0/123456789',
    '-1/0',
    'G/0',
    ' 0/0',
    '0/0\n',
  ])('refuses %j', (text) => {
    expect(() => parseLsn(text)).toThrow(RangeError);
  });

  it('refuses numbers that are no position', () => {
    expect(() => lsn(-1n)).toThrow(RangeError);
    expect(() => lsn(0x1_0000_0000_0000_0000n)).toThrow(RangeError);
  });
});
