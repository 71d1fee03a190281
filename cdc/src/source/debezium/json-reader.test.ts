import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { engineReads, entriesOf, written } from '../../../test/json.ts';
import { parseJson } from './json-reader.ts';

const scalars = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', 'a', 'é', '\n') }),
  fc.constantFrom(null, true, false, 0, -0, 1.5, -1e-45, 1e300, 123456789012345),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
);
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom('__proto__', 'constructor', ''), fc.string()), tie('value'), {
      maxKeys: 4,
    }),
  ),
}));

describe('JSON without loss', () => {
  test('is what the engine reads, with every digit', () => {
    fc.assert(
      fc.property(values, fc.constantFrom('', '', ' ', '\n\t'), (value, blank) => {
        const text = written(value, blank);
        expect(entriesOf(parseJson(text))).toEqual(entriesOf(engineReads(text)));
      }),
      { numRuns: 2_000 },
    );
    expect(parseJson('[9007199254740993, -9223372036854775808, 1, 1.4e-45]')).toEqual([
      9007199254740993n,
      -9223372036854775808n,
      1,
      1.4e-45,
    ]);
  });

  test('refuses what the engine refuses, and what is nested without end', () => {
    for (const text of [
      '',
      '{',
      '[1,]',
      '{"a"}',
      '{"a":"x',
      '"x',
      '01',
      '-',
      '1.',
      '1e',
      'nul',
      '1 2',
      '{a:1}',
    ]) {
      expect(() => JSON.parse(text), text).toThrow(SyntaxError);
      expect(() => parseJson(text), text).toThrow(SyntaxError);
    }
    for (const open of ['[', '{"a":']) expect(() => parseJson(open.repeat(10_000))).toThrow(SyntaxError);
  });
});
