import { waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import type { Engine } from '@strangler/ledger';
import { beforeAll, describe, expect, test } from 'vitest';
import { topicOf } from '../src/connect/index.ts';
import { caughtUp, checkpointOf, copyAll, flip, follow, followForEver } from './follow.ts';
import { grownStack, java } from './grown-stack.ts';
import { makeSides, type Sides } from './sides.ts';
import { connectorOf, withAdmin } from './topic.ts';
import { expectOnce, startWriters, tracedSides } from './traced.ts';

const columns = `id bigint PRIMARY KEY, status text NOT NULL, total numeric(12,2), tags text[], data jsonb, raw bytea,
  at timestamptz, day date, big bigint, note text`;
const monolithSql = `CREATE TABLE orders (${columns}); ALTER TABLE orders ALTER COLUMN note SET STORAGE EXTERNAL;
  INSERT INTO orders (id, status, total) SELECT n, 'new', n FROM generate_series(1, 10) n;`;
const serviceSql = `CREATE TABLE bought (${columns}, seen boolean NOT NULL DEFAULT false);`;
const printed = `SELECT id, status, total::text, tags::text, data::text, raw::text, at::text, day::text, big::text, md5(note) AS note`;

async function expectEqual(sides: Sides): Promise<void> {
  const there = await sides.service.query(`${printed} FROM bought ORDER BY id`);
  expect(there).toEqual(await sides.monolith.query(`${printed} FROM orders ORDER BY id`));
}

/** Waits until the connector has confirmed to its slot what is committed now. */
async function confirmed(sides: Sides): Promise<void> {
  const [now] = await sides.monolith.query<{ here: string }>('SELECT pg_current_wal_lsn()::text AS here');
  const { slot } = await checkpointOf(sides, 'forward');
  await waitFor(
    async () => {
      const [row] = await sides.monolith.query(
        `SELECT FROM pg_replication_slots WHERE slot_name = '${slot}' AND confirmed_flush_lsn >= '${now?.here}'`,
      );
      return row ? true : undefined;
    },
    { timeoutMs: 30_000, everyMs: 100, what: `the slot at ${now?.here}` },
  );
}

describe.skipIf(!java)('a stream through Debezium and Kafka', () => {
  let grown: Grown;
  beforeAll(async () => {
    grown = await grownStack();
  });

  test('follows, starts again at its bookmark, switches and comes back', async () => {
    const sides = await makeSides({
      monolith: monolithSql,
      service: serviceSql,
      tables: { orders: { to: 'bought' } },
      grown: { kafka: [...grown.brokers], connect: grown.connectUrl },
    });
    await copyAll(sides);
    const write = (sql: string) => sides.monolith.query(sql);
    await write(`INSERT INTO orders (id, status, total) VALUES (11, 'before the connector', 1)`);
    const first = follow(sides, 'forward');
    follow(sides, 'reverse');
    await write(`INSERT INTO orders VALUES (12, E'tab\\t\\\\ "q" {} NULL', -0.50, ARRAY['a,b', NULL, 'NULL', '"', '\\'],
      '{"n": 12345678901234567890.10}', '\\x00ff', 'infinity', '-infinity', 9007199254740993, repeat('long ', 5000)),
      (13, '', NULL, '{}', 'null', '', '0044-03-15 12:00 BC', '0044-03-15 BC', -9223372036854775808, NULL)`);
    await write(
      `UPDATE orders SET total = 2 WHERE id = 12; UPDATE orders SET id = 77 WHERE id = 1; DELETE FROM orders WHERE id = 3`,
    );
    await caughtUp(sides, 'forward', 60_000);
    await expectEqual(sides);

    await first.stop();
    const { bookmark } = await checkpointOf(sides, 'forward');
    expect(bookmark).not.toBeNull();
    await write(
      `INSERT INTO orders (id, status) SELECT n, 'while no sink ran' FROM generate_series(100, 199) n`,
    );
    follow(sides, 'forward', 'second');
    await caughtUp(sides, 'forward', 60_000);
    await expectEqual(sides);

    await caughtUp(sides, 'reverse', 60_000);
    await flip(sides, 'monolith');
    await sides.service.query(
      `INSERT INTO bought (id, status) VALUES (500, 'bought'); UPDATE bought SET total = 5 WHERE id = 12`,
    );
    await caughtUp(sides, 'reverse', 60_000);
    await expectEqual(sides);
    await flip(sides, 'service');
    await write(`TRUNCATE orders; INSERT INTO orders (id, status) VALUES (600, 'home again')`);
    await caughtUp(sides, 'forward', 60_000);
    await expectEqual(sides);
    for (const side of ['monolith', 'service'] as const)
      expect(await sides[side].query('SELECT * FROM strangler.violation')).toEqual([]);
  });

  test('moves from the embedded engine to Debezium and back, under load and without a new copy', async () => {
    const sides = await tracedSides(grown);
    const writers = startWriters(sides);
    const carryBy = async (engine: Engine, stop: () => Promise<void>) => {
      await stop();
      await writers.more(50);
      const running = followForEver({ ...sides, extraction: { ...sides.extraction, engine } }, 'forward');
      await waitFor(
        async () => ((await checkpointOf(sides, 'forward')).engine === engine ? true : undefined),
        {
          timeoutMs: 60_000,
          what: `the engine ${engine}`,
        },
      );
      await writers.more(50);
      await caughtUp(sides, 'forward', 60_000);
      return running;
    };
    const first = await carryBy('embedded', async () => {});
    const second = await carryBy('debezium', first.stop);
    const made = await connectorOf(sides);
    // What the slot no longer has lies in the topic alone, and only from there can it come.
    const third = await carryBy('embedded', async () => {
      await second.stop();
      await writers.more(50);
      await confirmed(sides);
    });
    expect(await checkpointOf(sides, 'forward')).toMatchObject({
      attempt: null,
      bookmark: null,
      stopped: null,
    });
    expect(await withAdmin(grown, (admin) => admin.listTopics())).not.toContain(topicOf(made));
    const fourth = await carryBy('debezium', third.stop);
    expect(await connectorOf(sides)).not.toBe(made);
    await writers.stop();
    await expectOnce(sides);
    await fourth.stop();
  });
});
