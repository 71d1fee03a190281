import { parts } from '@strangler/stack';
import { expect, test } from 'vitest';
import { demoRun } from './demo-run.ts';

test.each(parts)('kill -9 of %s during the run: nothing is lost, doubled or stale', async (part) => {
  const { exitCode, result, said } = await demoRun('--quick', '--kill', part);
  expect(exitCode, said).toBe(0);
  expect(result).toMatchObject({ lostWrites: 0, duplicatedWrites: 0, staleReads: 0 });
  expect(result?.steps.map((step) => step.name)).toContain(`kill ${part}`);
});
