import { beforeEach, describe, expect, test } from 'vitest';
import { caughtUp, checkpointOf, copyAll, flip, follow } from '../../test/follow.ts';
import { application, makeSides, type Sides } from '../../test/sides.ts';

const monolithSql = `
  CREATE SCHEMA shop;
  CREATE TYPE shop.order_status AS ENUM ('new', 'paid', 'cancelled');
  CREATE TABLE shop.orders (
    id bigserial PRIMARY KEY, status shop.order_status NOT NULL DEFAULT 'new', total numeric(12,2) NOT NULL,
    ref text UNIQUE, note text, tags text[], data jsonb, raw bytea, at timestamptz, old text);
  ALTER TABLE shop.orders ALTER COLUMN note SET STORAGE EXTERNAL;
  CREATE TABLE shop.items (order_id bigint REFERENCES shop.orders ON DELETE CASCADE, line int, name text, PRIMARY KEY (order_id, line));
  CREATE TABLE shop.invoices (id int PRIMARY KEY, order_id bigint REFERENCES shop.orders);
  INSERT INTO shop.orders (total, ref) SELECT n, 'r' || n FROM generate_series(1, 10) n;
  INSERT INTO shop.items SELECT n, 1, 'thing' FROM generate_series(1, 10) n;`;

const serviceSql = `
  CREATE TABLE bought (order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('new', 'paid', 'cancelled')), cents bigint NOT NULL,
    ref text UNIQUE, note text, tags text[], data jsonb, raw bytea, at timestamptz, seen boolean NOT NULL DEFAULT false);
  CREATE TABLE line (order_id bigint, n int, name varchar(20), PRIMARY KEY (order_id, n));`;

const tables = {
  'shop.orders': {
    to: 'bought',
    columns: {
      id: { to: 'order_id' },
      status: { to: 'state', from: 'status::text', back: 'state::order_status' },
      total: { to: 'cents', from: '(total * 100)::bigint', back: '(cents / 100.0)::numeric(12,2)' },
      old: { omit: true },
    },
  },
  'shop.items': { to: 'line', columns: { line: { to: 'n' } } },
};

/** Both sides' rows as the monolith would print them. */
async function rows(sides: Sides): Promise<{ monolith: unknown; service: unknown }> {
  const [orders, items] = await Promise.all([
    sides.monolith.query(
      `SELECT id, status::text, total, ref, md5(note) AS note, tags::text, data::text, raw::text, at::text FROM shop.orders ORDER BY id`,
    ),
    sides.monolith.query('SELECT * FROM shop.items ORDER BY 1, 2'),
  ]);
  const [bought, lines] = await Promise.all([
    sides.service.query(
      `SELECT order_id AS id, state AS status, (cents / 100.0)::numeric(12,2) AS total, ref, md5(note) AS note, tags::text, data::text, raw::text, at::text FROM bought ORDER BY 1`,
    ),
    sides.service.query('SELECT order_id, n AS line, name FROM line ORDER BY 1, 2'),
  ]);
  return { monolith: { orders, items }, service: { orders: bought, items: lines } };
}

async function expectEqual(sides: Sides): Promise<void> {
  const { monolith, service } = await rows(sides);
  expect(service).toEqual(monolith);
}

let sides: Sides;

beforeEach(async () => {
  sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
  await copyAll(sides);
});

const write = (sql: string) => sides.monolith.query(sql);

describe('a followed extraction', () => {
  test('carries inserts, updates and deletes with every kind of value', async () => {
    follow(sides, 'forward');
    await write(`INSERT INTO shop.orders (total, ref, note, tags, data, raw, at) VALUES
      (1.005, 'a', E'tab\\t\\\\ "q" {} NULL', ARRAY['a,b', NULL, 'NULL', '"', '\\'], '{"n": 12345678901234567890.10}', '\\x00ff', '2024-02-29 23:59:59.123456+00'),
      (-0.5, NULL, '', '{}', 'null', '', 'infinity'), (3, 'c', NULL, NULL, NULL, NULL, '0044-03-15 BC')`);
    await write(`UPDATE shop.orders SET status = 'paid', total = total + 1 WHERE id % 2 = 0`);
    await write(`DELETE FROM shop.orders WHERE id = 3`);
    await caughtUp(sides, 'forward');
    await expectEqual(sides);
  });

  test('trap 03: an update that leaves a large value alone does not empty it', async () => {
    follow(sides, 'forward');
    await write(`INSERT INTO shop.orders (id, total, note) VALUES (100, 1, repeat('long ', 5000))`);
    await write(`UPDATE shop.orders SET total = 2 WHERE id = 100`);
    await caughtUp(sides, 'forward');
    await expectEqual(sides);
  });

  test('trap 04: a changed primary key moves the row, with its columns that the stream does not know', async () => {
    follow(sides, 'forward');
    await sides.service.query(
      `SET session_replication_role = replica; ALTER TABLE bought DISABLE TRIGGER ALL; UPDATE bought SET seen = true WHERE order_id = 1; ALTER TABLE bought ENABLE ALWAYS TRIGGER strangler_fence; SET session_replication_role = origin`,
    );
    await write(`DELETE FROM shop.items WHERE order_id = 1; UPDATE shop.orders SET id = 77 WHERE id = 1`);
    await caughtUp(sides, 'forward');
    await expectEqual(sides);
    expect(await sides.service.query('SELECT seen FROM bought WHERE order_id = 77')).toEqual([
      { seen: true },
    ]);
  });

  test('trap 06: a truncate empties its tables, and what follows it stays', async () => {
    follow(sides, 'forward');
    await write(
      `BEGIN; INSERT INTO shop.orders (total) VALUES (1); TRUNCATE shop.orders CASCADE; INSERT INTO shop.orders (id, total) VALUES (5, 5); COMMIT`,
    );
    await caughtUp(sides, 'forward');
    await expectEqual(sides);
    expect(await sides.service.query('SELECT count(*)::int AS n FROM bought')).toEqual([{ n: 1 }]);
  });

  test('trap 27: unique values that are swapped inside one transaction arrive', async () => {
    follow(sides, 'forward');
    await write(
      `BEGIN; UPDATE shop.orders SET ref = 'tmp' WHERE id = 1; UPDATE shop.orders SET ref = 'r1' WHERE id = 2; UPDATE shop.orders SET ref = 'r2' WHERE id = 1; COMMIT`,
    );
    await write(
      `BEGIN; DELETE FROM shop.items WHERE order_id = 4; DELETE FROM shop.orders WHERE id = 4; INSERT INTO shop.orders (total, ref) VALUES (1, 'r4'); COMMIT`,
    );
    await caughtUp(sides, 'forward');
    await expectEqual(sides);
  });

  test('trap 66: an update without its row stops the stream, and the checkpoint says why', async () => {
    await sides.service.query(
      `ALTER TABLE bought DISABLE TRIGGER ALL; DELETE FROM bought WHERE order_id = 7; ALTER TABLE bought ENABLE ALWAYS TRIGGER strangler_fence`,
    );
    const stream = follow(sides, 'forward');
    await write(`UPDATE shop.orders SET total = 0`);
    await expect(stream.ended).rejects.toMatchObject({
      code: 'ROW_MISSING',
      fact: expect.stringContaining('{"id":"7"}'),
    });
    expect((await checkpointOf(sides, 'forward')).stopped).toContain('ROW_MISSING');
    expect(await sides.service.query('SELECT count(*)::int AS n FROM bought WHERE cents = 0')).toEqual([
      { n: 0 },
    ]);
  });

  test('flips to the service and back: rows follow, nothing echoes, sequences never meet', async () => {
    follow(sides, 'forward');
    follow(sides, 'reverse');
    const forth = { 'shop.orders.id': 'shop.orders_id_seq' };
    const back = { 'shop.orders.id': 'public.bought_order_id_seq' };
    await write(`INSERT INTO shop.orders (total) SELECT 1 FROM generate_series(1, 5)`);
    await flip(sides, 'monolith', forth);
    await expect(
      sides.monolith.query(`SET ROLE ${application}; INSERT INTO shop.orders (total) VALUES (1)`),
    ).rejects.toThrow(/belong to the service/);
    await sides.service.query(`INSERT INTO bought (state, cents) VALUES ('paid', 150), ('new', 1)`);
    await sides.service.query(`UPDATE bought SET state = 'cancelled' WHERE order_id = 2`);
    await caughtUp(sides, 'reverse');
    await expectEqual(sides);
    expect(await sides.monolith.query(`SELECT id, old FROM shop.orders WHERE id > 15 ORDER BY 1`)).toEqual([
      { id: '16', old: null },
      { id: '17', old: null },
    ]);
    await flip(sides, 'service', back);
    await write(`INSERT INTO shop.orders (total) VALUES (9)`);
    await caughtUp(sides, 'forward');
    await expectEqual(sides);
    expect(await sides.monolith.query('SELECT max(id)::int AS id FROM shop.orders')).toEqual([{ id: 18 }]);
    for (const side of ['monolith', 'service'] as const)
      expect(await sides[side].query('SELECT * FROM strangler.violation')).toEqual([]);
  });

  test('a row that got past the fence is recorded and not applied', async () => {
    follow(sides, 'forward');
    follow(sides, 'reverse');
    await sides.service.query(
      `ALTER TABLE bought DISABLE TRIGGER strangler_fence; UPDATE bought SET cents = -1 WHERE order_id = 2; ALTER TABLE bought ENABLE ALWAYS TRIGGER strangler_fence`,
    );
    await caughtUp(sides, 'reverse');
    expect(
      await sides.monolith.query('SELECT direction, relation, operation, key FROM strangler.violation'),
    ).toEqual([
      { direction: 'reverse', relation: 'public.bought', operation: 'update', key: { order_id: '2' } },
    ]);
    expect(await sides.monolith.query('SELECT total FROM shop.orders WHERE id = 2')).toEqual([
      { total: '2.00' },
    ]);
  });

  test('trap 33: a second sink takes over, and the first one ends', async () => {
    const first = follow(sides, 'forward', 'first');
    await write(`INSERT INTO shop.orders (total) VALUES (1)`);
    await caughtUp(sides, 'forward');
    follow(sides, 'forward', 'second');
    await expect(first.ended).rejects.toMatchObject({
      code: expect.stringMatching(/LEASE_LOST|DATABASE_UNREACHABLE/),
    });
    await write(`INSERT INTO shop.orders (total) VALUES (2)`);
    await caughtUp(sides, 'forward');
    expect((await checkpointOf(sides, 'forward')).holder).toBe('second');
    await expectEqual(sides);
  });
});
