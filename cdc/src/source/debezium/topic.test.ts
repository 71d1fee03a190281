import { expect, test } from 'vitest';
import { checkRange } from './topic.ts';

const check = (first: bigint, next: bigint, bookmark: bigint | null) => () =>
  checkRange('t', { first, next }, bookmark);

test('trap 76: what was thrown away before it was applied stops the stream', () => {
  expect(check(10n, 20n, 8n)).toThrow(/records before 10 are gone \(retention\), and 9 is the next/);
  expect(check(1n, 20n, null)).toThrow(/retention/);
  for (const bookmark of [9n, 10n, 19n]) expect(check(10n, 20n, bookmark)).not.toThrow();
});

test('trap 84: a topic that ends before what is applied is another one', () => {
  expect(check(0n, 19n, 19n)).toThrow(/made anew/);
  expect(check(0n, 0n, 0n)).toThrow(/made anew/);
  expect(check(0n, 20n, 19n)).not.toThrow();
  expect(check(0n, 0n, null)).not.toThrow();
});
