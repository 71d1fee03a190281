import { lsn } from '@strangler/postgres';
import { afterEach, expect, test, vi } from 'vitest';
import type { Transaction } from '../assemble/index.ts';
import type { Begin } from '../source/index.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** The bug as a process with this environment has it. */
async function planted(bug: string | undefined, environment: string | undefined) {
  vi.stubEnv('STRANGLER_BUG', bug);
  vi.stubEnv('STRANGLER_ENVIRONMENT', environment);
  return (await import('./planted-bug.ts')).plantedBug();
}

const transaction = (changes: number): Transaction => ({
  position: lsn(1n),
  commitTime: 'now',
  origin: null,
  changes,
  bytes: 1,
  markers: [],
  few: undefined,
  pieces: async function* () {},
  discard: () => {},
});
const begin: Begin = { kind: 'begin', commitTime: 'now', origin: 'ours' };
const isEcho = (origin: string | null) => origin === 'ours';

test('without one, nothing is dropped or altered', async () => {
  const bug = await planted(undefined, 'shop');
  for (let n = 0; n < 50; n += 1) {
    expect(bug.drops(transaction(1))).toBe(false);
    expect(bug.alters(begin, isEcho)).toBe(begin);
  }
});

test('outside of a demo it is refused', async () => {
  await expect(planted('sink-drops-transaction', 'shop')).rejects.toMatchObject({ code: 'USAGE' });
});

test('sink-drops-transaction drops the twentieth with rows, once', async () => {
  const bug = await planted('sink-drops-transaction', 'demo-1');
  const dropped = Array.from({ length: 60 }, (_, n) => bug.drops(transaction(n % 2)));
  expect(dropped.flatMap((each, n) => (each ? [n] : []))).toEqual([39]);
});

test('echo-applied lets one echo pass as real', async () => {
  const bug = await planted('echo-applied', 'demo-1');
  const altered = Array.from({ length: 20 }, () => bug.alters(begin, isEcho) !== begin);
  expect(altered.filter(Boolean)).toHaveLength(1);
});
