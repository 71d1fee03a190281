import { slotName } from '@strangler/ledger';
import { beforeEach, expect, test, vi } from 'vitest';
import { caughtUp, checkpointOf, copyAll, flip, follow } from '../../test/follow.ts';
import { makeSides, type Sides } from '../../test/sides.ts';

const monolithSql = `
  CREATE TABLE t (id bigserial PRIMARY KEY, kind text, big text, n int);
  ALTER TABLE t ALTER COLUMN big SET STORAGE EXTERNAL;
  INSERT INTO t (kind, n) SELECT 'a', n FROM generate_series(1, 5) n`;
const serviceSql = `CREATE TABLE t (id bigint PRIMARY KEY, kind varchar(5), big text, n int)`;
const tables = { t: { columns: { big: { from: `big || n`, back: 'big' } } } };

let sides: Sides;
beforeEach(async () => {
  sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
  await copyAll(sides);
});

const write = (sql: string) => sides.monolith.query(sql);
const slot = () => slotName(sides.config.environment, 'x', 'forward');

test('trap 16: a slot that is gone is never made anew', async () => {
  await write(`SELECT pg_drop_replication_slot('${slot()}')`);
  await expect(follow(sides, 'forward').ended).rejects.toMatchObject({
    code: 'SLOT_LOST',
    remedy: expect.stringContaining('strangler cancel'),
  });
});

test('trap 18: a target that is older than its slot is refused', async () => {
  await write(`INSERT INTO t (kind) VALUES ('b')`);
  await write(`SELECT pg_replication_slot_advance('${slot()}', pg_current_wal_lsn())`);
  await expect(follow(sides, 'forward').ended).rejects.toMatchObject({ code: 'TARGET_BEHIND_SLOT' });
  expect(await sides.service.query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 5 }]);
});

test('trap 18: a source that is older than what was applied is refused', async () => {
  await sides.service.query(`UPDATE strangler.checkpoint SET applied = 'FFFFFF/0'`);
  await expect(follow(sides, 'forward').ended).rejects.toMatchObject({ code: 'SLOT_LOST' });
});

test('trap 19: a restored copy is refused', async () => {
  await sides.service.query(`UPDATE strangler.environment SET system_identifier = '1'`);
  await expect(follow(sides, 'forward').ended).rejects.toMatchObject({ code: 'ENVIRONMENT_MISMATCH' });
});

test('a value that does not fit stops the stream and is not cut off', async () => {
  const stream = follow(sides, 'forward');
  await write(`INSERT INTO t (kind) VALUES ('too long')`);
  await expect(stream.ended).rejects.toMatchObject({
    code: 'STREAM_STOPPED',
    fact: expect.stringContaining('22001'),
  });
  expect(await sides.service.query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 5 }]);
});

test('trap 03: a value computed from one that was not sent and one that changed stops the stream', async () => {
  const stream = follow(sides, 'forward');
  await write(`INSERT INTO t (id, n, big) VALUES (9, 1, repeat('x', 9000))`);
  await write(`UPDATE t SET n = 2 WHERE id = 9`);
  await expect(stream.ended).rejects.toMatchObject({
    code: 'STREAM_STOPPED',
    remedy: expect.stringContaining('REPLICA IDENTITY FULL'),
  });
});

test('trap 03: under REPLICA IDENTITY FULL the value comes with the old row', async () => {
  await write('ALTER TABLE t REPLICA IDENTITY FULL');
  follow(sides, 'forward');
  await write(`INSERT INTO t (id, n, big) VALUES (9, 1, repeat('x', 9000))`);
  await write(`UPDATE t SET n = 2 WHERE id = 9`);
  await write(`UPDATE t SET id = 10 WHERE id = 9; DELETE FROM t WHERE id = 1`);
  await caughtUp(sides, 'forward');
  expect(
    await sides.service.query(
      `SELECT id, n, big = repeat('x', 9000) || '2' AS right FROM t WHERE id NOT IN (2,3,4,5)`,
    ),
  ).toEqual([{ id: '10', n: 2, right: true }]);
});

test('trap 08: a column that appears while the stream runs stops it', async () => {
  const stream = follow(sides, 'forward');
  await write(`INSERT INTO t (kind) VALUES ('b')`);
  await caughtUp(sides, 'forward');
  await write(`ALTER TABLE t ADD COLUMN more int DEFAULT 1`);
  await write(`INSERT INTO t (kind) VALUES ('c')`);
  await expect(stream.ended).rejects.toMatchObject({
    code: 'STREAM_STOPPED',
    fact: expect.stringContaining('more'),
  });
});

test('trap 52: rows of another origin than ours are real changes', async () => {
  await write(`SELECT pg_replication_origin_create('foreign_${sides.config.environment}')`);
  follow(sides, 'forward');
  await write(
    `DO $$ BEGIN PERFORM pg_replication_origin_session_setup('foreign_${sides.config.environment}'); INSERT INTO t (id, kind) VALUES (50, 'f'); END $$`,
  );
  await caughtUp(sides, 'forward');
  expect(await sides.service.query('SELECT kind FROM t WHERE id = 50')).toEqual([{ kind: 'f' }]);
  await write(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = ''`,
  );
  await vi.waitFor(() => write(`SELECT pg_replication_origin_drop('foreign_${sides.config.environment}')`), {
    timeout: 5_000,
  });
});

test('trap 02: the source is told nothing durable before the target has committed it', async () => {
  follow(sides, 'forward');
  await caughtUp(sides, 'forward');
  await sides.service
    .query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT')
    .catch(() => {});
  const locked = sides.service.query(
    'DO $$ BEGIN LOCK TABLE t IN ACCESS EXCLUSIVE MODE; PERFORM pg_sleep(2); END $$',
  );
  await vi.waitFor(async () => {
    const [row] = await sides.service.query(
      `SELECT count(*)::int AS n FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock' AND granted`,
    );
    expect(row?.['n']).toBe(1);
  });
  const [before] = await write('SELECT pg_current_wal_insert_lsn()::text AS here');
  await write(`INSERT INTO t (id, kind) VALUES (60, 'w')`);
  let waiting = true;
  void locked.finally(() => {
    waiting = false;
  });
  while (waiting) {
    const [row] = await write(
      `SELECT confirmed_flush_lsn <= '${before?.['here']}'::pg_lsn AS behind FROM pg_replication_slots WHERE slot_name = '${slot()}'`,
    );
    if (waiting) expect(row).toEqual({ behind: true });
  }
  await caughtUp(sides, 'forward');
  expect(await sides.service.query('SELECT kind FROM t WHERE id = 60')).toEqual([{ kind: 'w' }]);
});

test('the other extraction’s markers are none of ours, and a forged message opens nothing', async () => {
  follow(sides, 'forward');
  await write(
    `INSERT INTO strangler.ownership (extraction, side, lock_key, epoch, term, state) VALUES ('y', 'monolith', 1, 7, 7, 'open')`,
  );
  await write(`UPDATE strangler.ownership SET state = 'closed', epoch = 8 WHERE extraction = 'y'`);
  await write(`SELECT pg_logical_emit_message(true, 'strangler', '{"x":"x","type":"decide","epoch":9}')`);
  await caughtUp(sides, 'forward');
  expect(await sides.service.query('SELECT extraction, state, epoch FROM strangler.ownership')).toEqual([
    { extraction: 'x', state: 'closed', epoch: '0' },
  ]);
  expect(await checkpointOf(sides, 'forward')).toMatchObject({
    sourceEpoch: expect.toSatisfy((epoch: bigint) => epoch > 1_700_000_000n),
    sourceState: 'open',
  });
});

test('trap 11: the receiving side’s sequence is ahead while it follows, and past every value at the switch', async () => {
  const own = await makeSides({
    monolith: monolithSql,
    service: serviceSql.replace('bigint PRIMARY KEY', 'bigserial PRIMARY KEY'),
    tables,
  });
  await copyAll(own);
  follow(own, 'forward');
  follow(own, 'reverse');
  await own.monolith.query(`SELECT nextval('t_id_seq') FROM generate_series(1, 100)`);
  await vi.waitFor(
    async () => {
      expect(await own.service.query('SELECT last_value FROM t_id_seq')).toEqual([{ last_value: '105' }]);
    },
    { timeout: 10_000, interval: 50 },
  );
  await own.monolith.query(`SELECT nextval('t_id_seq')`);
  await flip(own, 'monolith', { 'public.t.id': 'public.t_id_seq' });
  expect(await own.service.query(`INSERT INTO t (kind) VALUES ('s') RETURNING id`)).toEqual([{ id: '107' }]);
});
