import { parts } from '@strangler/stack';
import { expect, test } from 'vitest';
import { demoRun } from './demo-run.ts';

test('kill -9 of every part during the run: nothing is lost, doubled or stale', async () => {
  const { exitCode, result, said } = await demoRun('--quick', '--no-bars', '--rate', '60', '--kill', 'all');
  expect(exitCode, said).toBe(0);
  expect(result).toMatchObject({ lostWrites: 0, duplicatedWrites: 0, staleReads: 0 });
  expect(result?.steps.map((step) => step.name)).toEqual(
    expect.arrayContaining(parts.map((part) => `kill ${part}`)),
  );
});
