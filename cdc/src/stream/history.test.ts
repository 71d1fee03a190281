import { expect, test } from 'vitest';
import { caughtUp, copyAll, follow, followForEver } from '../../test/follow.ts';
import {
  dice,
  historyMonolith,
  historyRows,
  historyService,
  historyTables,
  randomTransaction,
} from '../../test/history.ts';
import { makeSides, type Sides } from '../../test/sides.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));
const transactions = Number(process.env['TRANSACTIONS'] ?? (process.env['TIER'] === 'full' ? 5_000 : 400));

async function followedSides(): Promise<Sides> {
  const sides = await makeSides({
    monolith: historyMonolith,
    service: historyService,
    tables: historyTables,
  });
  await sides.monolith.query(
    `INSERT INTO shop.thing (u, kind) SELECT 'seed' || n, 'a' FROM generate_series(1, 6) n`,
  );
  await copyAll(sides);
  return sides;
}

async function expectEqual(sides: Sides): Promise<void> {
  await caughtUp(sides, 'forward', 30_000);
  const { monolith, service } = await historyRows(sides);
  expect(service, `SEED=${seed}`).toEqual(monolith);
}

/** Runs a random transaction; whatever the source refuses, it refuses whole. */
async function write(sides: Sides, roll: (below: number) => number): Promise<boolean> {
  return await sides.monolith.query(randomTransaction(roll)).then(
    () => true,
    () => false,
  );
}

test(`a random history arrives, also in one piece after a stop (SEED=${seed})`, async () => {
  const sides = await followedSides();
  const roll = dice(seed);
  let committed = 0;
  let stream = follow(sides, 'forward');
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < transactions / 8; n += 1) committed += Number(await write(sides, roll));
    await expectEqual(sides);
    await stream.stop();
    // What piles up meanwhile shares target transactions.
    for (let n = 0; n < transactions / 8; n += 1) committed += Number(await write(sides, roll));
    stream = follow(sides, 'forward');
    await expectEqual(sides);
  }
  expect(committed).toBeGreaterThan(transactions / 2);
  await Promise.race([stream.ended, Promise.resolve()]);
}, 120_000);

test(`trap 32: a sink killed at random points loses and doubles nothing (SEED=${seed})`, async () => {
  const sides = await followedSides();
  const roll = dice(seed + 1);
  followForEver(sides, 'forward');
  for (let n = 0; n < transactions / 2; n += 1) {
    await write(sides, roll);
    if (roll(8) > 0) continue;
    const [side, name] = roll(2) ? (['service', 'apply'] as const) : (['monolith', 'source'] as const);
    await sides[side].query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'strangler_${name}' AND application_name = 'strangler forward x'`,
    );
  }
  await expectEqual(sides);
}, 120_000);
