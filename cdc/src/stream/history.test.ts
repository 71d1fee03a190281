import { test } from 'vitest';
import { followHistory, followHistoryKilled, historySeed } from '../../test/history.ts';

test(`a random history arrives, also in one piece after a stop (SEED=${historySeed})`, async () => {
  await followHistory(historySeed, 400);
}, 120_000);

test(`trap 32: a sink killed at random points loses and doubles nothing (SEED=${historySeed})`, async () => {
  await followHistoryKilled(historySeed + 1, 200);
}, 120_000);
