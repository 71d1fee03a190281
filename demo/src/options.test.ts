import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('the defaults are a hundred requests a second, with nothing killed and nothing planted', () => {
  expect(parseOptions([])).toEqual({
    json: false,
    rate: 100,
    quick: false,
    disturb: false,
    keep: false,
    kill: [],
    bars: true,
    bug: undefined,
  });
});

test.each([
  [['--rate', 'many'], '--rate is "many"'],
  [['--kill', 'mice'], 'There is no part "mice"'],
  [['--bug', 'mice'], 'There is no bug "mice"'],
  [['--mice'], '--mice'],
])('%j is refused with what there is instead', (args, fact) => {
  expect(() => parseOptions(args)).toThrow(fact);
});

test('parts are killed in the order in which they are named, or all of them', () => {
  expect(parseOptions(['--kill', 'cdc,facade']).kill).toEqual(['cdc', 'facade']);
  expect(parseOptions(['--kill', 'all']).kill).toContain('pg-mono');
});
