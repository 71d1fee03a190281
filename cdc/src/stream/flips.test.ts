import { test } from 'vitest';
import { flipUnderWriters } from '../../test/flips.ts';

test('trap 39: ten flips under writers, half of them REPEATABLE READ, lose, double and echo nothing', async () => {
  await flipUnderWriters(10);
}, 120_000);
