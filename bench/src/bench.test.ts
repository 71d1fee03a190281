import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runBench } from './bench.ts';
import { parseOptions, partNames } from './options.ts';
import { printedProfiles, selfTimes } from './profile.ts';
import { type PartReport, printed, spreadOf, verdictsOf } from './report.ts';
import { inTurns } from './rounds.ts';

const signal = AbortSignal.timeout(120_000);

describe('the whole bench on tiny sizes', () => {
  test('measures every contender in every round, and says how it stands to each bar', async () => {
    const profiles = await mkdtemp(join(tmpdir(), 'bench-profiles-'));
    const sizes = { requests: 40, connections: 4, copyRows: 300, backlogRows: 200 };
    const told: PartReport[] = [];
    const reports = await runBench({ parts: partNames, rounds: 2, sizes, profiles }, signal, (each) =>
      told.push(each),
    );
    expect(told).toEqual(reports);
    expect(reports.map(({ part, contenders }) => [part, contenders.length])).toEqual([
      ['facade', 3],
      ['copy', 2],
      ['drain', 6],
    ]);
    for (const report of reports) {
      for (const { measures } of report.contenders) {
        expect(measures.length).toBeGreaterThan(1);
        for (const { values } of measures) {
          expect(values).toHaveLength(2);
          for (const value of values) expect(value).toBeGreaterThan(0);
        }
      }
      const text = printed(report);
      for (const { name } of report.contenders) expect(text).toContain(name);
      expect(text).toMatch(/(within the bar|BELOW THE BAR): /);
    }
    expect(reports.map((report) => verdictsOf(report).length)).toEqual([2, 1, 2]);
    const profiled = await printedProfiles(profiles);
    for (const name of ['facade-ours', 'facade-bare', 'copy-ours', 'drain-ours-1'])
      expect(profiled).toContain(`${name}\n`);
    await rm(profiles, { recursive: true });
  }, 120_000);
});

describe('rounds', () => {
  test('go in turns, and back the other way', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({
      name,
      measure: async (round: number) => {
        order.push(name + round);
        return { 'a measure': round + 1 };
      },
    });
    const results = await inTurns([contender('a'), contender('b')], 3, signal);
    expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
    expect(results).toEqual(
      ['a', 'b'].map((name) => ({ name, measures: [{ name: 'a measure', values: [1, 2, 3] }] })),
    );
  });

  test('their middle and their extremes', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe('verdicts', () => {
  const report = (ours: number[], kind: 'at most' | 'at least'): PartReport => ({
    part: 'copy',
    what: 'a test',
    contenders: [
      { name: 'theirs', measures: [{ name: 'n', values: [10, 20, 1_000] }] },
      { name: 'ours', measures: [{ name: 'n', values: ours }] },
    ],
    bars: [{ what: 'a bar', measure: 'n', ours: 'ours', theirs: 'theirs', limit: 1.3, kind }],
  });

  test('compare round by round', () => {
    const [verdict] = verdictsOf(report([11, 26, 1_500], 'at most'));
    expect(verdict).toMatchObject({ ratio: { median: 1.3, min: 1.1, max: 1.5 }, met: true });
    expect(verdictsOf(report([13.1, 27, 1_000], 'at most'))[0]).toMatchObject({ met: false });
    expect(verdictsOf(report([13, 27, 1_000], 'at least'))[0]).toMatchObject({ met: true });
    expect(verdictsOf(report([12, 27, 1_000], 'at least'))[0]).toMatchObject({ met: false });
  });

  test('are printed with the figures', () => {
    expect(printed(report([13.1, 27, 1_350], 'at most'))).toBe(
      [
        'a test',
        'copy                    n',
        'theirs  20.0 (10.0–1,000)',
        'ours    27.0 (13.1–1,350)',
        'BELOW THE BAR: a bar, n: 1.35 (1.31–1.35) of theirs, wanted at most 1.3',
        '',
      ].join('\n'),
    );
  });
});

test('a profile says which functions the time went to, idle time apart', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 6, scriptId: '1' });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('take', 'file:///home/me/cdc/src/source/reader.ts') },
      { id: 3, callFrame: frame('(garbage collector)') },
    ],
    samples: [1, 2, 3, 2],
    timeDeltas: [500, 30, 20, 50],
  };
  expect(selfTimes(profile, 9)).toEqual([
    { where: 'take src/source/reader.ts:7', share: 0.8 },
    { where: '(garbage collector)', share: 0.2 },
  ]);
});

test('the command line', () => {
  expect(parseOptions([])).toMatchObject({ parts: ['facade', 'copy', 'drain'], rounds: 5, check: false });
  expect(parseOptions(['drain', 'copy', '--rounds', '7', '--json', '--check'])).toMatchObject({
    parts: ['copy', 'drain'],
    rounds: 7,
    json: true,
    check: true,
  });
  for (const args of [['--rounds', '0'], ['facades'], ['--fast']])
    expect(() => parseOptions(args)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
