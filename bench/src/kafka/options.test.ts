import { expect, test } from 'vitest';
import { parseKafkaOptions } from './options.ts';

test('the command line', () => {
  const all = parseKafkaOptions([]);
  expect(all).toMatchObject({ rows: 300_000, repeats: 3, check: false });
  expect(all.histories.map(({ name }) => name)).toEqual([
    'inserts-1',
    'inserts-10',
    'inserts-1000',
    'mixed-1',
    'mixed-10',
    'mixed-1000',
  ]);
  const some = parseKafkaOptions(['mixed-10', '--rows', '10000', '--repeats', '1', '--check']);
  expect(some).toMatchObject({ rows: 10_000, repeats: 1, check: true });
  expect(some.histories).toEqual([{ name: 'mixed-10', kind: 'mixed', size: 10 }]);
  for (const args of [['--rows', '10'], ['--repeats', '0'], ['mixed'], ['--fast']])
    expect(() => parseKafkaOptions(args)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
