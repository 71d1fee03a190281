import { expect, test } from 'vitest';
import { demoRun, flawless, outBackAndOut } from './demo-run.ts';

test('the whole way once, back, and out again, under traffic: nothing failed, lost, doubled or stale', async () => {
  // Other tests share the machine: fewer shoppers, and the same questions.
  const { exitCode, result, said } = await demoRun('--quick', '--no-bars', '--rate', '40');
  expect(exitCode, said).toBe(0);
  expect(result).toMatchObject({ ...flawless, switches: outBackAndOut });
  expect(result?.steps.every((step) => step.outcome === 'done')).toBe(true);
  expect(result?.verify.map((table) => table.differences)).toEqual([0, 0, 0]);
  const reads = result?.traffic.filter((row) => row.step === 'reads 100 %' && row.route === 'get') ?? [];
  expect(reads[0]?.service).toBeGreaterThan(reads[0]?.monolith ?? 0);
}, 240_000);
