import { once } from 'node:events';
import { StranglerError, waitFor } from '@strangler/errors';
import { publicationName, readCheckpoint, slotName } from '@strangler/ledger';
import { parseLsn } from '@strangler/postgres';
import pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { copyInProcess, openWriter, writeUntil } from '../../test/copy-peers.ts';
import { application, makeSides, type Sides } from '../../test/sides.ts';
import { type CopyProgress, copyTables, createReverse, emptyService } from './index.ts';
import { splitPages } from './task.ts';

const monolithSql = `
  CREATE SCHEMA shop;
  CREATE TYPE shop.order_status AS ENUM ('new', 'paid');
  CREATE TABLE shop.users (id bigint PRIMARY KEY);
  INSERT INTO shop.users VALUES (1);
  CREATE TABLE shop.orders (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES shop.users, status shop.order_status NOT NULL,
    total numeric(12,2) NOT NULL, tags text[], note text, at timestamptz, old text);
  INSERT INTO shop.orders (user_id, status, total, tags, note, at, old)
    SELECT 1, CASE WHEN n % 2 = 0 THEN 'new' ELSE 'paid' END::shop.order_status, n + 0.07,
           ARRAY['a,b', NULL, 'NULL', '"'], E'line\\n\\ttab \\\\ back ' || n, '2024-02-29 23:59:59.123456+00', 'left behind'
      FROM generate_series(1, 2000) n;
  INSERT INTO shop.orders (user_id, status, total, at) VALUES (1, 'new', 0, 'infinity'), (1, 'new', 0, '0044-03-15 BC');
  CREATE TABLE "Li ne" (a text, "B c" int, v bytea, PRIMARY KEY (a, "B c")) PARTITION BY LIST (a);
  CREATE TABLE line_x PARTITION OF "Li ne" FOR VALUES IN ('x');
  CREATE TABLE line_rest PARTITION OF "Li ne" DEFAULT;
  INSERT INTO "Li ne" SELECT CASE WHEN n % 3 = 0 THEN 'x' ELSE 'y' END, n, decode(md5(n::text), 'hex') FROM generate_series(1, 300) n;`;

const serviceSql = `
  CREATE TABLE bought (order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'paid')), cents bigint NOT NULL, tags text[], note text, at timestamptz,
    seen boolean NOT NULL DEFAULT false);
  CREATE TABLE line (a text, b int, v bytea, PRIMARY KEY (a, b));
  CREATE TABLE log (n int);
  CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NEW; END';
  CREATE TRIGGER noted AFTER INSERT ON bought FOR EACH ROW EXECUTE FUNCTION noted();`;

const tables = {
  'shop.orders': {
    to: 'bought',
    columns: {
      id: { to: 'order_id' },
      user_id: { to: 'customer' },
      status: { to: 'state', from: 'status::text', back: 'state::order_status' },
      total: { to: 'cents', from: '(total * 100)::bigint', back: '(cents / 100.0)::numeric(12,2)' },
      old: { omit: true },
    },
  },
  'Li ne': { to: 'line', columns: { 'B c': { to: 'b' } } },
};

let sides: Sides;
const never = new AbortController().signal;

beforeEach(async () => {
  sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
});

const slotOf = () => slotName(sides.config.environment, 'x', 'forward');
const publicationOf = () => publicationName(sides.config.environment, 'x');
const slots = async (side: 'monolith' | 'service') =>
  (await sides[side].query('SELECT slot_name FROM pg_replication_slots WHERE database = current_database()'))
    .length;
const counted = async () =>
  (
    await sides.service.query(
      'SELECT (SELECT count(*)::int FROM bought) AS bought, (SELECT count(*)::int FROM line) AS line',
    )
  )[0];
const checkpoint = () => sides.as('service', 'operator', async (sql) => readCheckpoint(sql, 'x', 'forward'));

async function copied(more: Partial<Parameters<typeof copyTables>[0]> = {}) {
  return await copyTables({ config: sides.config, extraction: sides.extraction, signal: never, ...more });
}

const waitingCopy = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'COPY%'`;
const waitingDelete = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DELETE%'`;

async function refusal(work: Promise<unknown>): Promise<StranglerError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StranglerError)) throw error ?? new Error('it was not refused');
  return error;
}

describe('copyTables', () => {
  test('trap 23: every row arrives as its mapped text, with a slot, a checkpoint and progress', async () => {
    await sides.prepare();
    const seen: CopyProgress[] = [];
    const result = await copied({ onProgress: (progress) => seen.push(progress) });

    expect(result.tables).toEqual([
      { table: '"shop"."orders"', rows: 2002 },
      { table: '"public"."Li ne"', rows: 300 },
    ]);
    const there = await sides.service.query(
      `SELECT md5(string_agg((order_id, customer, state, cents, tags, note, at)::text, '|' ORDER BY order_id)) AS sum FROM bought`,
    );
    const here = await sides.monolith.query(
      `SELECT md5(string_agg((id, user_id, status, (total * 100)::bigint, tags, note, at)::text, '|' ORDER BY id)) AS sum FROM shop.orders`,
    );
    expect(there).toEqual(here);
    const lines = 'SELECT md5(string_agg(t::text, $1 ORDER BY 1)) AS sum FROM';
    expect(await sides.service.query(`${lines} line t`, ['|'])).toEqual(
      await sides.monolith.query(`${lines} "Li ne" t`, ['|']),
    );
    expect(await checkpoint()).toMatchObject({
      slot: slotOf(),
      applied: result.consistentPoint,
      sourceEpoch: expect.toSatisfy((epoch: bigint) => epoch > 1_700_000_000n),
      sourceState: 'open',
      holder: null,
    });
    const [slot] = await sides.monolith.query<{ lsn: string }>(
      'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
      [slotOf()],
    );
    expect(parseLsn(slot?.lsn ?? '')).toBe(result.consistentPoint);
    expect(seen.filter((each) => each.done).map((each) => [each.table, each.rows])).toContainEqual([
      '"shop"."orders"',
      2002,
    ]);
    expect(seen.every((each) => each.bytes > 0)).toBe(true);
  });

  test('trap 29: the triggers of the receiving tables do not fire', async () => {
    await sides.prepare();
    await copied();
    expect(await sides.service.query('SELECT * FROM log')).toEqual([]);
  });

  test('trap 1: no gap and no overlap between the copy and the slot, under writes', async () => {
    await sides.prepare();
    const stop = new AbortController();
    const writer = writeUntil(sides, stop.signal);
    const result = await copied();
    stop.abort();
    const written = await writer;
    const [copy] = await sides.service.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM bought WHERE customer = 1',
    );
    const decoded = await sides.monolith.query<{ data: Buffer }>(
      `SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', $2)`,
      [result.slot, publicationOf()],
    );
    const inserts = decoded.filter((each) => each.data[0] === 'I'.charCodeAt(0)).length;
    expect(written).toBeGreaterThan(0);
    expect((copy?.n ?? 0) + inserts).toBe(2002 + written);
  });

  test('a copy that is complete is left alone; without its slot it is lost', async () => {
    await sides.prepare();
    const first = await copied();
    expect(await copied()).toEqual({ ...first, tables: [] });
    await sides.monolith.query('SELECT pg_drop_replication_slot($1)', [first.slot]);
    expect((await refusal(copied())).code).toBe('SLOT_LOST');
    expect(await counted()).toEqual({ bought: 2002, line: 300 });
  });

  test('rows that no copy made are not touched', async () => {
    await sides.service.query(`INSERT INTO line VALUES ('mine', 1, NULL)`);
    await sides.prepare();
    const error = await refusal(copied());
    expect(error.message).toBe(
      'TARGET_NOT_EMPTY: "public"."line" of the service holds rows that no copy of ours made. Empty the tables of the extraction in the service, or correct the config.',
    );
    expect(await sides.service.query('SELECT a FROM line')).toEqual([{ a: 'mine' }]);
    expect(await slots('monolith')).toBe(0);
  });

  test('rows of an interrupted copy are deleted, and the copy starts from nothing', async () => {
    await sides.prepare();
    await sides.as('service', 'apply', async (sql) =>
      sql.query(`INSERT INTO public.line VALUES ('half', 1, NULL)`),
    );
    await sides.monolith.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slotOf()]);
    await copied();
    expect(await counted()).toEqual({ bought: 2002, line: 300 });
    expect(await slots('monolith')).toBe(1);
  });

  test('a copy that was killed starts from nothing, whatever its sessions still hold', async () => {
    await sides.prepare();
    const blocker = new pg.Client({ connectionString: sides.service.url() });
    await blocker.connect();
    try {
      await blocker.query('BEGIN; LOCK TABLE line IN SHARE MODE');
      const child = copyInProcess(sides);
      const ended = once(child, 'exit');
      // One table is in; the other's rows and their end are in the server's hands, and it waits for the lock.
      const waiting = await waitFor(
        async () => {
          const [row] = await sides.service.query<{ pid: number }>(waitingCopy);
          return (await counted())?.['bought'] === 2002 ? row?.pid : undefined;
        },
        { timeoutMs: 20_000, what: 'the first table' },
      );
      child.kill('SIGKILL');
      await ended;
      const again = copied();
      await waitFor(
        async () =>
          (await sides.service.query('SELECT FROM pg_stat_activity WHERE pid = $1', [waiting])).length ===
            0 || undefined,
        { timeoutMs: 20_000, what: 'the end of its session' },
      );
      await blocker.query('ROLLBACK');
      await again;
    } finally {
      await blocker.end();
    }
    expect(await counted()).toEqual({ bought: 2002, line: 300 });
    expect(await slots('monolith')).toBe(1);
  });

  test('trap 29: a trigger of the service that drops rows is noticed', async () => {
    await sides.service.query(`
      CREATE FUNCTION drop_some() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN NEW.cents % 7 = 0 THEN NULL ELSE NEW END; END';
      CREATE TRIGGER drop_some BEFORE INSERT ON bought FOR EACH ROW EXECUTE FUNCTION drop_some();
      ALTER TABLE bought ENABLE ALWAYS TRIGGER drop_some`);
    await sides.prepare();
    expect((await refusal(copied())).fact).toMatch(
      /^The monolith gave 2002 rows of "shop"\."orders", the service took 1\d+\.$/,
    );
    expect(await counted()).toEqual({ bought: 0, line: 0 });
  });

  test('a row that the service refuses: nothing is left, and the error says which', async () => {
    await sides.service.query(`ALTER TABLE bought ADD CHECK (cents <> 150007)`);
    await sides.prepare();
    const error = await refusal(copied());
    expect(error.code).toBe('COPY_FAILED');
    expect(error.fact).toContain('violates check constraint "bought_cents_check" (COPY bought, line 1500');
    expect(error.fact).toContain('what it had copied was removed');
    expect(await counted()).toEqual({ bought: 0, line: 0 });
    expect(await slots('monolith')).toBe(0);
    expect(await checkpoint()).toBeUndefined();
  });

  test('trap 22: row security that would hide rows ends the copy', async () => {
    await sides.monolith.query('ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY');
    await sides.prepare();
    const error = await refusal(copied());
    expect(error.code).toBe('COPY_FAILED');
    expect(error.fact).toContain('row-level security policy for table "orders"');
    expect(await slots('monolith')).toBe(0);
  });

  test('trap 36: without its publication no slot is made', async () => {
    await sides.prepare();
    await sides.monolith.query(`DROP PUBLICATION ${publicationOf()}`);
    expect((await refusal(copied())).fact).toBe(`There is no publication ${publicationOf()}.`);
    expect(await slots('monolith')).toBe(0);
  });

  test('trap 67: a transaction that blocks the slot is named, and nothing is left', async () => {
    await sides.prepare();
    await using blocker = await openWriter(sides);
    const waits: string[] = [];
    const error = await refusal(copied({ slotTimeoutMs: 1_500, onWait: (blockers) => waits.push(blockers) }));
    expect(error.code).toBe('DEADLINE');
    expect(error.fact).toMatch(
      new RegExp(
        `^The slot ${slotOf()} could not be made within 1500 ms: PostgreSQL waits for process ${blocker.pid} of ${application} in database ${sides.monolith.name}, open since 20`,
      ),
    );
    expect(waits[0]).toContain(`process ${blocker.pid}`);
    expect(await slots('monolith')).toBe(0);
  });

  test('an abort while it waits leaves nothing, and does not wait for the bound', async () => {
    await sides.prepare();
    await using _blocker = await openWriter(sides);
    const stop = new AbortController();
    const started = performance.now();
    await expect(
      copied({ signal: stop.signal, slotTimeoutMs: 30_000, onWait: () => stop.abort() }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await slots('monolith')).toBe(0);
  });

  test('an abort in the middle of the rows leaves nothing', async () => {
    await sides.prepare();
    const stop = new AbortController();
    await expect(copied({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(await counted()).toEqual({ bought: 0, line: 0 });
    expect(await slots('monolith')).toBe(0);
  });

  test('a lock in the way of the rows is a standstill, not a wait for ever', async () => {
    await sides.prepare();
    const client = new pg.Client({ connectionString: sides.service.url() });
    await client.connect();
    try {
      await client.query('BEGIN; LOCK TABLE line IN SHARE MODE');
      const ended = copied({ stallMs: 400 });
      // Undoing needs the table, too.
      const released = ended.catch(() => {});
      await waitFor(async () => (await sides.service.query(waitingDelete)).length > 0 || undefined, {
        timeoutMs: 10_000,
        what: 'the undo',
      });
      await client.query('ROLLBACK');
      await released;
      expect((await refusal(ended)).fact).toBe('No row was copied for 400 ms.');
      expect(await counted()).toEqual({ bought: 0, line: 0 });
    } finally {
      await client.end();
    }
  });

  test('partitions are read through their root where only the root is granted, and by themselves where they are', async () => {
    await sides.prepare();
    await sides.monolith.query('GRANT SELECT ON line_x, line_rest TO strangler_source');
    await copied();
    expect(await counted()).toMatchObject({ line: 300 });
  });

  test('a large table is shared out among the workers, and each row is copied once', async () => {
    await sides.prepare();
    const [size] = await sides.monolith.query<{ pages: number }>(
      `SELECT pg_relation_size('shop.orders') / 8192 AS pages`,
    );
    expect(Number(size?.pages)).toBeGreaterThan(10);
    const result = await copied({ pagesPerTask: 2, workers: 3 });
    expect(result.tables).toContainEqual({ table: '"shop"."orders"', rows: 2002 });
    expect(await counted()).toEqual({ bought: 2002, line: 300 });
  });

  test('emptyService takes the copied rows away', async () => {
    await sides.prepare();
    await copied();
    await emptyService(sides.config, sides.extraction);
    expect(await counted()).toEqual({ bought: 0, line: 0 });
  });
});

describe('createReverse', () => {
  test('makes the slot in the service and the checkpoint in the monolith, once', async () => {
    await sides.prepare();
    await copied();
    const options = { config: sides.config, extraction: sides.extraction, signal: never };
    const made = await createReverse(options);
    expect(made.slot).toBe(slotName(sides.config.environment, 'x', 'reverse'));
    expect(
      await sides.as('monolith', 'operator', async (sql) => readCheckpoint(sql, 'x', 'reverse')),
    ).toMatchObject({
      slot: made.slot,
      applied: made.consistentPoint,
      sourceEpoch: 0n,
      sourceState: 'closed',
    });
    expect(await createReverse(options)).toEqual(made);
    expect(await slots('service')).toBe(1);
    await sides.service.query('SELECT pg_drop_replication_slot($1)', [made.slot]);
    expect((await refusal(createReverse(options))).code).toBe('SLOT_LOST');
  });

  test('a slot that a former run left without a checkpoint is made anew', async () => {
    await sides.prepare();
    await sides.service.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [
      slotName(sides.config.environment, 'x', 'reverse'),
    ]);
    await createReverse({ config: sides.config, extraction: sides.extraction, signal: never });
    expect(await slots('service')).toBe(1);
  });
});

test('splitPages leaves no page out and none twice, and its last part is open', () => {
  expect(splitPages(0, 10)).toEqual([{ first: 0, end: null }]);
  expect(splitPages(10, 10)).toEqual([{ first: 0, end: null }]);
  expect(splitPages(25, 10)).toEqual([
    { first: 0, end: 10 },
    { first: 10, end: 20 },
    { first: 20, end: null },
  ]);
});
