import { expect, test } from 'vitest';
import { bugNames } from './bugs/planted.ts';
import { demoRun } from './demo-run.ts';

test.each(bugNames)('the planted bug %s makes the demo exit 1', async (bug) => {
  const { exitCode, result, said } = await demoRun('--quick', '--no-bars', '--rate', '60', '--bug', bug);
  expect(exitCode, said).toBe(1);
  expect(result?.ok, said).toBe(false);
});
