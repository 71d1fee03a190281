import { expect, test } from 'vitest';
import { demoRun } from './demo-run.ts';

test.each([[[]], [['--disturb']]])('the full demo holds its bars %j', async (args) => {
  const { exitCode, result, said } = await demoRun(...args);
  expect(exitCode, said).toBe(0);
  for (const one of result?.switches ?? []) {
    expect(one.pauseMs).toBeLessThan(1_000);
    expect(one.ordersPerSecond).toBeGreaterThanOrEqual(50);
  }
  expect(result?.durationMs).toBeLessThan(240_000);
});
