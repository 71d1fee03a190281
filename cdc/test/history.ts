import { expect } from 'vitest';
import { caughtUp, copyAll, follow, followForEver } from './follow.ts';
import { makeSides, type Sides } from './sides.ts';

const historyTables = {
  'shop.thing': {
    to: 'thing',
    columns: {
      kind: { from: 'kind::text', back: 'kind::shop.kind' },
      cost: { to: 'cents', from: '(cost * 100)::bigint', back: '(cents / 100.0)::numeric(12,2)' },
    },
  },
  'shop.Pa rt': { to: '"Pa""rt"', columns: { 'B c': { to: 'b' } } },
};

const historyMonolith = `
  CREATE SCHEMA shop;
  CREATE TYPE shop.kind AS ENUM ('a', 'b', 'c');
  CREATE TABLE shop.thing (id bigserial PRIMARY KEY, u text UNIQUE, d int UNIQUE DEFERRABLE, kind shop.kind NOT NULL, cost numeric(12,2), big text, arr text[]);
  ALTER TABLE shop.thing ALTER COLUMN big SET STORAGE EXTERNAL;
  CREATE TABLE shop."Pa rt" (a text, "B c" int, v text, PRIMARY KEY (a, "B c")) PARTITION BY LIST (a);
  CREATE TABLE shop.part_x PARTITION OF shop."Pa rt" FOR VALUES IN ('x');
  CREATE TABLE shop.part_rest PARTITION OF shop."Pa rt" DEFAULT;`;

const historyService = `
  CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, u text UNIQUE, d int UNIQUE, kind text NOT NULL, cents bigint, big text, arr text[], kept int NOT NULL DEFAULT 7);
  CREATE TABLE "Pa""rt" (a text, b int, v text, PRIMARY KEY (a, b));`;

/** The seed of this run: SEED repeats one. */
export const historySeed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));

/** Numbers that a seed decides. */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A transaction of random statements, some of them undone; one that the source refuses is undone, too. */
function randomTransaction(roll: (below: number) => number): string {
  const statements = Array.from({ length: 1 + roll(5) }, () => randomStatement(roll));
  const body = statements.map((statement) => {
    const undone = roll(6) === 0 ? `RAISE EXCEPTION 'undone';` : '';
    return `BEGIN ${statement}; ${undone} EXCEPTION WHEN OTHERS THEN NULL; END;`;
  });
  return `DO $do$ BEGIN SET CONSTRAINTS ALL DEFERRED; ${body.join('\n')} BEGIN SET CONSTRAINTS ALL IMMEDIATE; END; END $do$`;
}

function randomStatement(roll: (below: number) => number): string {
  const id = () => 1 + roll(12);
  const text = () => ['NULL', `'u${roll(8)}'`, `'tmp'`][roll(3)];
  const big = () => (roll(2) ? `repeat('${roll(10)}', ${3_000 + roll(3_000)})` : `'small'`);
  const part = () => `a = '${'xyz'[roll(3)]}' AND "B c" = ${roll(4)}`;
  const choices = [
    () =>
      `INSERT INTO shop.thing (id, u, d, kind, cost, big, arr) VALUES (${id()}, ${text()}, ${roll(2) ? roll(20) : 'NULL'}, '${'abc'[roll(3)]}', ${roll(1_000)}.${roll(10)}5, ${big()}, ARRAY['${roll(9)}', NULL, 'NULL', '"\\'])`,
    () => `INSERT INTO shop.thing (u, kind) VALUES (${text()}, 'a')`,
    () => `UPDATE shop.thing SET u = ${text()} WHERE id = ${id()}`,
    () => `UPDATE shop.thing SET cost = cost + 1, kind = 'c' WHERE id <> ${id()}`,
    () => `UPDATE shop.thing SET big = ${big()} WHERE id = ${id()}`,
    () => `UPDATE shop.thing SET id = ${id()} WHERE id = ${id()}`,
    () => `UPDATE shop.thing SET d = 20 - d`,
    () => `UPDATE shop.thing SET d = d + 1 WHERE d IS NOT NULL`,
    () => `DELETE FROM shop.thing WHERE id = ${id()}`,
    () =>
      `DELETE FROM shop.thing WHERE id = 3; INSERT INTO shop.thing (id, u, kind) VALUES (3, ${text()}, 'b')`,
    () => `INSERT INTO shop."Pa rt" VALUES ('${'xyz'[roll(3)]}', ${roll(4)}, 'v${roll(9)}')`,
    () => `UPDATE shop."Pa rt" SET a = '${'xyz'[roll(3)]}' WHERE ${part()}`,
    () => `UPDATE shop."Pa rt" SET v = v || 'x'`,
    () => `DELETE FROM shop."Pa rt" WHERE ${part()}`,
    () => (roll(5) ? `PERFORM 1` : `TRUNCATE shop.thing, shop."Pa rt"`),
  ];
  return (choices[roll(choices.length)] ?? (() => ''))();
}

/** What both sides hold, in the monolith's terms. */
async function historyRows(sides: Sides) {
  const [thing, part, copiedThing, copiedPart] = await Promise.all([
    sides.monolith.query(
      `SELECT id, u, d, kind::text, cost, md5(big) AS big, arr::text FROM shop.thing ORDER BY id`,
    ),
    sides.monolith.query(`SELECT a, "B c" AS b, v FROM shop."Pa rt" ORDER BY 1, 2`),
    sides.service.query(
      `SELECT id, u, d, kind, (cents / 100.0)::numeric(12,2) AS cost, md5(big) AS big, arr::text FROM thing ORDER BY id`,
    ),
    sides.service.query(`SELECT a, b, v FROM "Pa""rt" ORDER BY 1, 2`),
  ]);
  return { monolith: { thing, part }, service: { thing: copiedThing, part: copiedPart } };
}

/** The databases of a history, copied. */
async function historySides(): Promise<Sides> {
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

/** Follows random transactions, and what piled up while nobody followed. */
export async function followHistory(seed: number, transactions: number): Promise<void> {
  const sides = await historySides();
  const roll = dice(seed);
  let committed = 0;
  let stream = follow(sides, 'forward');
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < transactions / 8; n += 1) committed += Number(await write(sides, roll));
    await expectEqual(sides, seed);
    await stream.stop();
    // What piles up meanwhile shares target transactions.
    for (let n = 0; n < transactions / 8; n += 1) committed += Number(await write(sides, roll));
    stream = follow(sides, 'forward');
    await expectEqual(sides, seed);
  }
  expect(committed).toBeGreaterThan(transactions / 2);
}

/** Follows random transactions with a sink whose connections die again and again. */
export async function followHistoryKilled(seed: number, transactions: number): Promise<void> {
  const sides = await historySides();
  const roll = dice(seed);
  followForEver(sides, 'forward');
  for (let n = 0; n < transactions; n += 1) {
    await write(sides, roll);
    if (roll(8) > 0) continue;
    const [side, name] = roll(2) ? (['service', 'apply'] as const) : (['monolith', 'source'] as const);
    await sides[side].query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'strangler_${name}' AND application_name = 'strangler forward x'`,
    );
  }
  await expectEqual(sides, seed);
}

async function expectEqual(sides: Sides, seed: number): Promise<void> {
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
