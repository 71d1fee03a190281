import { waitFor } from '@strangler/errors';
import { setStage } from '@strangler/ledger';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { caughtUp, checkpointOf, copyAll, flip, quiet } from '../../test/follow.ts';
import { makeSides, type Sides } from '../../test/sides.ts';
import { serveStreams } from './serve.ts';

const table = 'CREATE TABLE t (id bigserial PRIMARY KEY, v text)';
let sides: Sides;
let stop: AbortController;
let served: Promise<void>;

async function prepared(limits?: Parameters<typeof makeSides>[0]['limits']): Promise<void> {
  sides = await makeSides({
    monolith: table,
    service: table,
    tables: { t: {} },
    ...(limits ? { limits } : {}),
  });
  await copyAll(sides);
}

const stage = (to: 'following' | 'planned') =>
  sides.as('monolith', 'operator', async (sql) => setStage(sql, 'x', to, 'hash'));

function serve(config = sides.config): void {
  stop = new AbortController();
  served = serveStreams({ config, signal: stop.signal, log: quiet });
  served.catch(() => {});
}

async function eventually(what: string, probe: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  await waitFor(async () => ((await probe()) ? true : undefined), { timeoutMs, what });
}

const backends = (side: 'monolith' | 'service') =>
  sides[side].query(
    `SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND usename IN ('strangler_source', 'strangler_apply')`,
  );

beforeEach(() => {
  stop = new AbortController();
  served = Promise.resolve();
});
afterEach(async () => {
  stop.abort();
  await served.catch(() => {});
});

describe('serving streams', () => {
  test('follows what is at its stage, starts again when interrupted, and leaves no connection', async () => {
    await prepared();
    serve();
    await sides.monolith.query(`INSERT INTO t (v) VALUES ('early')`);
    await stage('following');
    await caughtUp(sides, 'forward');
    await sides.service.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'strangler_apply'`,
    );
    await sides.monolith.query(`INSERT INTO t (v) VALUES ('late')`);
    await caughtUp(sides, 'forward');
    expect(await sides.service.query('SELECT v FROM t ORDER BY id')).toEqual([{ v: 'early' }, { v: 'late' }]);
    await stage('planned');
    await eventually('streams to end', async () => {
      const names = (await backends('service')).map((each) => String(each['application_name']));
      return !names.some((name) => name.startsWith('strangler forward'));
    });
    stop.abort();
    await served;
    for (const side of ['monolith', 'service'] as const)
      await eventually('connections to end', async () => (await backends(side)).length === 0);
  });

  test('a stream that has failed for good stands still until a new copy', async () => {
    await prepared();
    await stage('following');
    serve();
    await caughtUp(sides, 'forward');
    await sides.service.query(
      `ALTER TABLE t DISABLE TRIGGER ALL; DELETE FROM t; ALTER TABLE t ENABLE ALWAYS TRIGGER strangler_fence`,
    );
    await sides.monolith.query(`INSERT INTO t (v) VALUES ('a')`);
    await caughtUp(sides, 'forward');
    await sides.service.query(
      `ALTER TABLE t DISABLE TRIGGER ALL; DELETE FROM t; ALTER TABLE t ENABLE ALWAYS TRIGGER strangler_fence`,
    );
    await sides.monolith.query(`UPDATE t SET v = 'b'`);
    await eventually(
      'the stream to stop',
      async () => (await checkpointOf(sides, 'forward')).stopped !== null,
    );
    const { lease, applied } = await checkpointOf(sides, 'forward');
    // What a new copy does, in short: the row is there, and a fresh checkpoint.
    await sides.service.query(
      `ALTER TABLE t DISABLE TRIGGER ALL; INSERT INTO t SELECT 1, 'a'; ALTER TABLE t ENABLE ALWAYS TRIGGER strangler_fence`,
    );
    expect(await checkpointOf(sides, 'forward')).toMatchObject({ lease, applied });
    await sides.service.query(`UPDATE strangler.checkpoint SET lease = 0, stopped = NULL`);
    await caughtUp(sides, 'forward');
    expect(await sides.service.query('SELECT v FROM t')).toEqual([{ v: 'b' }]);
  });

  test('trap 16: at its whole budget the slot goes, the extraction is lost, and the stream says how to start again', async () => {
    await prepared({ wal: '1MB' });
    await stage('following');
    // Nobody reads the slot while the log grows.
    await sides.monolith.query(
      `CREATE TABLE other AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)`,
    );
    serve();
    const [slot] = await sides.service.query<{ slot: string }>('SELECT slot FROM strangler.checkpoint');
    await eventually('the extraction to be lost', async () => {
      const [row] = await sides.monolith.query(`SELECT stage FROM strangler.extraction`);
      return row?.['stage'] === 'lost';
    });
    expect(
      await sides.monolith.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [slot?.slot]),
    ).toEqual([]);
    expect(await sides.monolith.query(`SELECT actor, what FROM strangler.event`)).toEqual([
      { actor: 'strangler_apply', what: 'given up' },
    ]);
  });

  test('after a switch the monolith’s disk is protected, too: its slot goes, and the stream back runs on', async () => {
    await prepared();
    await stage('following');
    serve();
    await caughtUp(sides, 'forward');
    const { slot } = await checkpointOf(sides, 'forward');
    await flip(sides, 'monolith');
    stop.abort();
    await served;
    // The log grows while nobody reads: 100 MB, beside what other tests write on the same server.
    await sides.monolith.query(
      `CREATE TABLE other AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)`,
    );
    serve({
      ...sides.config,
      extractions: sides.config.extractions.map((each) => ({
        ...each,
        limits: { ...each.limits, walBytes: 64_000_000n },
      })),
    });
    await eventually('the slot to go', async () => {
      const found = await sides.monolith.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [
        slot,
      ]);
      return found.length === 0;
    });
    await sides.service.query(`INSERT INTO t (v) VALUES ('from the service')`);
    await caughtUp(sides, 'reverse');
    expect(await sides.monolith.query('SELECT v FROM t')).toEqual([{ v: 'from the service' }]);
    expect(await sides.monolith.query('SELECT stage FROM strangler.extraction')).toEqual([
      { stage: 'following' },
    ]);
  });

  test('trap 33: of two processes one carries the streams, and the other stands by until it has gone', async () => {
    await prepared();
    await stage('following');
    serve();
    await caughtUp(sides, 'forward');
    const first = { stop, served };
    const { lease } = await checkpointOf(sides, 'forward');
    serve();
    await eventually('the second to stand by', async () =>
      (await backends('service')).some((each) => each['application_name'] === 'strangler standby forward x'),
    );
    await sides.monolith.query(`INSERT INTO t (v) VALUES ('a')`);
    await caughtUp(sides, 'forward');
    expect((await checkpointOf(sides, 'forward')).lease).toBe(lease);
    first.stop.abort();
    await first.served;
    await sides.monolith.query(`INSERT INTO t (v) VALUES ('b')`);
    await caughtUp(sides, 'forward');
    expect((await checkpointOf(sides, 'forward')).lease).toBe(lease + 1n);
  });

  test('swapped databases are refused at once', async () => {
    await prepared();
    const config = {
      ...sides.config,
      monolith: { ...sides.config.monolith, database: sides.service.url() },
    };
    await expect(serveStreams({ config, signal: stop.signal, log: quiet })).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISMATCH',
    });
  });
});
