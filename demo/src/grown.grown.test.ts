import { canRunGrown } from '@strangler/grown';
import { expect, test } from 'vitest';
import { demoRun, flawless, outBackAndOut } from './demo-run.ts';

test.skipIf(!(await canRunGrown()))(
  'the whole way through Debezium and Kafka, under traffic: nothing failed, lost, doubled or stale',
  async () => {
    const { exitCode, result, said } = await demoRun('--grown', '--quick', '--no-bars', '--rate', '40');
    expect(exitCode, said).toBe(0);
    expect(result).toMatchObject({ ...flawless, switches: outBackAndOut });
    expect(result?.steps.map((step) => step.name)).toContain('through Kafka');
    expect(result?.verify.map((table) => table.differences)).toEqual([0, 0, 0]);
  },
);
