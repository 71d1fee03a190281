import { canRunGrown } from '@strangler/grown';
import { expect, test } from 'vitest';
import { demoRun } from './demo-run.ts';

test.skipIf(!(await canRunGrown()))(
  'the whole way through Debezium and Kafka, under traffic: nothing failed, lost, doubled or stale',
  async () => {
    const { exitCode, result, said } = await demoRun('--grown', '--quick', '--no-bars', '--rate', '40');
    expect(exitCode, said).toBe(0);
    expect(result).toMatchObject({
      ok: true,
      failedRequests: 0,
      unknownWrites: 0,
      lostWrites: 0,
      duplicatedWrites: 0,
      staleReads: 0,
      switches: [{ direction: 'forward' }, { direction: 'reverse' }, { direction: 'forward' }],
    });
    expect(result?.steps.map((step) => step.name)).toContain('through Kafka');
    expect(result?.verify.map((table) => table.differences)).toEqual([0, 0, 0]);
  },
);
