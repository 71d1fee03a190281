import { expect, test } from 'vitest';
import { demoRun } from './demo-run.ts';

test('the full demo, with autovacuum forced and reports open on both sides at each switch, goes right', async () => {
  const { exitCode, result, said } = await demoRun('--disturb', '--no-bars');
  expect(exitCode, said).toBe(0);
  expect(result).toMatchObject({
    ok: true,
    failedRequests: 0,
    unknownWrites: 0,
    lostWrites: 0,
    duplicatedWrites: 0,
    staleReads: 0,
  });
  expect(result?.switches).toHaveLength(3);
});
