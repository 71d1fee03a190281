import { canRunGrown } from '@strangler/grown';
import { describe, expect, test } from 'vitest';
import { verdictsOf } from '../report.ts';
import { runKafkaBench } from './bench.ts';
import { histories } from './history.ts';

describe.skipIf(!(await canRunGrown()))('the bench of the grown engine, on few rows', () => {
  test('fills both topics, and both sinks end with what the source has', async () => {
    const wanted = histories.filter(({ name }) => name === 'mixed-10');
    const signal = AbortSignal.timeout(280_000);
    const [report] = await runKafkaBench(
      { histories: wanted, rows: 10_000, repeats: 1, profiles: undefined },
      signal,
    );
    expect(report?.contenders.map(({ name }) => name)).toEqual([
      'JDBC sink',
      'JDBC sink, rewritten',
      'our sink',
      'kafkajs alone',
      'kafkajs and JSON.parse',
    ]);
    // 10,000 rows in 1,000 transactions, each between its BEGIN and END, and the last row behind its BEGIN.
    expect(report?.what).toContain('our topic has 12002 records');
    expect(report?.what).toMatch(/: 4001 rows, md5 [0-9a-f]{32}$/);
    for (const { measures } of report?.contenders ?? [])
      for (const { values } of measures) expect(values[0]).toBeGreaterThan(0);
    expect(report && verdictsOf(report)).toMatchObject([{ measure: 'krows/s', kind: 'at least', limit: 4 }]);
  }, 300_000);
});
