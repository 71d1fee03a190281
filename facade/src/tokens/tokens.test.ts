import { waitFor } from '@strangler/errors';
import { epochOf } from '@strangler/ledger';
import { type Lsn, lsn, type Sql } from '@strangler/postgres';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cookieOf, TokenCookie } from './cookie.ts';
import { TokenMemory } from './memory.ts';
import { Positions } from './positions.ts';
import { later, type Obligation, readObligations, writeObligations } from './token.ts';

const position = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map((n): Lsn => lsn(n));
const obligation = fc
  .record({
    side: fc.constantFrom('monolith' as const, 'service' as const),
    term: fc.integer({ min: 0, max: 5 }).map((n) => epochOf.parse(n)),
    position,
    until: fc.option(fc.integer({ min: 1, max: 1e14 }), { nil: undefined }),
  })
  .map(({ until, ...rest }): Obligation => (until === undefined ? rest : { ...rest, until }));
const extraction = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/);
const obligations = fc
  .array(fc.tuple(extraction, obligation), { minLength: 1, maxLength: 4 })
  .map((list) => new Map(list));

describe('tokens', () => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(obligations, (map) => {
        expect(readObligations(writeObligations(map))).toEqual(map);
      }),
    );
  });

  test('merge by maximum, in any order', () => {
    fc.assert(
      fc.property(obligation, obligation, obligation, (a, b, c) => {
        const rank = (each: Obligation | undefined) => [each?.term, each?.position];
        expect(rank(later(a, later(b, c)))).toEqual(rank(later(later(c, a), b)));
        expect(later(a, undefined)).toBe(a);
      }),
    );
  });

  test('a cookie is opened by whoever has the secret, and by nobody else; nothing that is sent breaks it', () => {
    const cookie = new TokenCookie('one secret');
    fc.assert(
      fc.property(obligations, fc.string(), (map, junk) => {
        const value = cookieOf(`a=1; ${cookie.seal(map).split(';')[0]}; b=2`, 'strangler') ?? '';
        expect(new TokenCookie('one secret').open(value)).toEqual(map);
        expect(new TokenCookie('another').open(value)).toBeUndefined();
        expect(cookie.open(`${junk}${value}`) === undefined || junk === '').toBe(true);
        expect(cookie.open(junk)).toBeUndefined();
      }),
    );
  });

  test.each([
    ['strangler=x', 'x'],
    ['a=strangler=y; strangler=x', 'x'],
    ['notstrangler=y; strangler=x; c', 'x'],
    ['strangler_id=y', undefined],
    [undefined, undefined],
  ])('the cookie of %s is %s', (header, value) => expect(cookieOf(header, 'strangler')).toBe(value));
});

describe('the memory of tokens', () => {
  const at = (n: number, term = 1): Obligation => ({
    side: 'monolith',
    term: epochOf.parse(term),
    position: lsn(BigInt(n)),
  });

  test('trap 53: forgets nobody: what no longer fits is owed to everybody', () => {
    const memory = new TokenMemory(10);
    for (let n = 1; n <= 20; n += 1) memory.note(`client ${n}`, at(n));
    for (let n = 1; n <= 20; n += 1)
      expect(memory.owed(`client ${n}`, undefined, 0)?.position).toBeGreaterThanOrEqual(BigInt(n));
    expect(memory.owed('client 20', undefined, 0)?.position).toBe(20n);
    expect(memory.owed('a stranger', undefined, 0)?.position).toBe(10n);
  });

  test('a note never takes back a later one, and a cookie may know more', () => {
    const memory = new TokenMemory();
    memory.note('c', at(20));
    memory.note('c', at(10));
    expect(memory.owed('c', undefined, 0)?.position).toBe(20n);
    expect(memory.owed('c', at(5, 2), 0)?.position).toBe(5n);
  });

  test('an unknown position counts until its time', () => {
    const memory = new TokenMemory();
    memory.note('c', { ...at(99), until: 1_000 });
    expect(memory.owed('c', undefined, 999)?.position).toBe(99n);
    expect(memory.owed('c', undefined, 1_000)).toBeUndefined();
    memory.note('c', at(7));
    expect(memory.owed('c', undefined, 0)?.position).toBe(7n);
  });
});

describe('positions', () => {
  /** A database whose answers a test gives, one query at a time. */
  function database() {
    const asked: ((position: string) => void)[] = [];
    const sql: Sql = {
      query: () => new Promise((resolve) => asked.push((position) => resolve({ rows: [{ position }] }))),
    };
    return { sql, asked };
  }

  test('whoever asks during a query gets the answer of one that started later', async () => {
    const { sql, asked } = database();
    const positions = new Positions(sql);
    const first = positions.now();
    const others = [positions.now(), positions.now(), positions.now()];
    expect(asked).toHaveLength(1);
    asked[0]?.('0/1');
    expect(await first).toBe(1n);
    await waitFor(() => asked[1], { timeoutMs: 1_000, what: 'the second query' });
    asked[1]?.('0/2');
    expect(await Promise.all(others)).toEqual([2n, 2n, 2n]);
    expect(asked).toHaveLength(2);
  });

  test('one that does not come in time fails, and the next is asked for afresh', async () => {
    const { sql, asked } = database();
    const positions = new Positions(sql, 20);
    const first = positions.now();
    const second = positions.now();
    await expect(first).rejects.toThrow('no position within 20 ms');
    await waitFor(() => asked[1], { timeoutMs: 1_000, what: 'the second query' });
    asked[1]?.('0/2');
    expect(await second).toBe(2n);
  });
});
