import { createDatabase, type TestDatabase } from '@strangler/cluster/testing';
import fc from 'fast-check';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { ident, literal, parseTableName, qualified } from './index.ts';

/** Names such as people have: capitals, spaces, quotes, dots, backslashes, other scripts. */
const names = fc
  .array(
    fc.constantFrom('a', 'Z', '_', '0', ' ', '"', "'", '.', '\\', '$', '-', ';', 'é', '日', '😀', '\n', '\t'),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((letters) => letters.join(''));

describe('parseTableName', () => {
  it.each([
    ['orders', { schema: 'public', name: 'orders' }],
    ['shop.orders', { schema: 'shop', name: 'orders' }],
    // Nothing is folded to lower case, quoted or not.
    ['Shop.Orders', { schema: 'Shop', name: 'Orders' }],
    ['"Order Items"', { schema: 'public', name: 'Order Items' }],
    ['Order Items', { schema: 'public', name: 'Order Items' }],
    ['"Sche ma"."Na.me"', { schema: 'Sche ma', name: 'Na.me' }],
    ['shop."say ""hi"""', { schema: 'shop', name: 'say "hi"' }],
    ['"a.b".c', { schema: 'a.b', name: 'c' }],
  ])('reads %s', (text, table) => {
    expect(parseTableName(text, 'public')).toEqual(table);
  });

  it.each(['', '.', 'a.', '.a', 'a.b.c', '"', '""', '"a', 'a"b', '"a"b', '"a"."b"."c"', 'a.""'])(
    'refuses %j',
    (text) => {
      expect(() => parseTableName(text, 'public')).toThrow(RangeError);
    },
  );

  it('reads back what qualified() writes, for every name', () => {
    fc.assert(
      fc.property(names, names, (schema, name) => {
        expect(parseTableName(qualified({ schema, name }), 'other')).toEqual({ schema, name });
        expect(parseTableName(ident(name), schema)).toEqual({ schema, name });
      }),
    );
  });
});

describe('quoting, as PostgreSQL reads it', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase('monolith');
  });

  it('an identifier is the name to the letter, and nothing after it runs', async () => {
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        const [row] = await database.query(`SELECT 1 AS ${ident(name)}`);
        expect(Object.keys(row ?? {})).toEqual([name]);
      }),
      { numRuns: 60 },
    );
  });

  it.each(['on', 'off'])(
    'trap 23: a literal is the text to the letter with standard_conforming_strings %s',
    async (setting) => {
      const client = new pg.Client(database.url());
      await client.connect();
      try {
        await client.query(`SET standard_conforming_strings = ${setting}`);
        await fc.assert(
          fc.asyncProperty(fc.oneof(names, fc.string({ unit: 'grapheme' })), async (text) => {
            const { rows } = await client.query(`SELECT ${literal(text)} AS text`);
            expect(rows).toEqual([{ text }]);
          }),
          { numRuns: 150 },
        );
        // Right after a word, as it stands in statements that are put together.
        const { rows } = await client.query(`SELECT 'found' AS it WHERE 'a\\b'<>${literal('\\')}`);
        expect(rows).toEqual([{ it: 'found' }]);
      } finally {
        await client.end();
      }
    },
  );

  it('refuses a zero byte, which no text of PostgreSQL can hold', () => {
    expect(() => ident('a\0b')).toThrow(RangeError);
    expect(() => literal('a\0b')).toThrow(RangeError);
  });
});
