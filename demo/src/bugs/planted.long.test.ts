import { expect, test } from 'vitest';
import { demoRun } from '../demo-run.ts';
import { bugNames } from './planted.ts';

test.each(bugNames)('with the bug %s the demo exits 1 and says what it saw', async (bug) => {
  const { exitCode, result, said } = await demoRun('--quick', '--no-bars', '--bug', bug);
  expect(exitCode, said).toBe(1);
  expect(result?.ok).toBe(false);
  expect(said).toContain('✗');
});
