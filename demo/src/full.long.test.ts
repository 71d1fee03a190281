import { expect, test } from 'vitest';
import { demoRun, flawless, outBackAndOut } from './demo-run.ts';

test('the full demo goes right', async () => {
  const { exitCode, result, said } = await demoRun('--no-bars');
  expect(exitCode, said).toBe(0);
  expect(result).toMatchObject({ ...flawless, switches: outBackAndOut });
});
