import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('the defaults are a hundred requests a second, with nothing killed and nothing planted', () => {
  expect(parseOptions([])).toEqual({
    json: false,
    rate: 100,
    quick: false,
    grown: false,
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
  [['--kill', 'kafka'], 'There is no part "kafka"'],
  [['--bug', 'mice'], 'There is no bug "mice"'],
  [['--mice'], '--mice'],
])('%j is refused with what there is instead', (args, fact) => {
  expect(() => parseOptions(args)).toThrow(fact);
});

test('parts are killed in the order in which they are named, or all of them', () => {
  expect(parseOptions(['--kill', 'cdc,facade']).kill).toEqual(['cdc', 'facade']);
  expect(parseOptions(['--kill', 'all']).kill).toContain('pg-mono');
  expect(parseOptions(['--kill', 'all']).kill).not.toContain('kafka');
});

test('on the grown engine its parts can be killed, too', () => {
  const options = parseOptions(['--grown', '--kill', 'connect,facade']);
  expect(options).toMatchObject({ grown: true, kill: ['connect', 'facade'] });
  expect(parseOptions(['--grown', '--kill', 'all']).kill).toEqual(expect.arrayContaining(['kafka', 'cdc']));
});
