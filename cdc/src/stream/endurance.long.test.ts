import { expect, test } from 'vitest';
import { flipUnderWriters, killSome } from '../../test/flips.ts';
import { caughtUp, copyAll, follow } from '../../test/follow.ts';
import { followHistory, followHistoryKilled, historySeed } from '../../test/history.ts';
import { makeSides } from '../../test/sides.ts';

test('trap 33: thirty flips under writers while sinks and readers are killed lose, double and echo nothing', async () => {
  await flipUnderWriters(30, killSome);
});

test(`long random histories arrive, killed sinks or not (SEED=${historySeed})`, async () => {
  await followHistory(historySeed, 4_000);
  await followHistoryKilled(historySeed + 1, 2_000);
});

test('trap 12: one transaction of 200 MB is applied whole in bounded memory', async () => {
  const table = 'CREATE TABLE t (id int PRIMARY KEY, v text)';
  const sides = await makeSides({ monolith: table, service: table, tables: { t: {} } });
  await copyAll(sides);
  follow(sides, 'forward');
  await sides.monolith.query(
    `INSERT INTO t SELECT n, repeat(md5(n::text), 300) FROM generate_series(1, 20000) n`,
  );
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  const before = process.memoryUsage().rss;
  await caughtUp(sides, 'forward', 120_000).finally(() => clearInterval(watch));
  const sums = await Promise.all(
    [sides.monolith, sides.service].map((side) =>
      side.query('SELECT count(*), md5(string_agg(md5(v), NULL ORDER BY id)) FROM t'),
    ),
  );
  expect(sums[1]).toEqual(sums[0]);
  expect((most - before) / 2 ** 20).toBeLessThan(450);
});
