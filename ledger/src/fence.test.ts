import type { TestDatabase } from '@strangler/cluster/testing';
import { connect, ident } from '@strangler/postgres';
import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ledgerDatabase, type TestSchema } from '../../test/ledger-database.ts';
import { createOwnership, type Epoch, epochOf } from './index.ts';
import {
  beginClosing,
  decide,
  isOpen,
  openSide,
  readOwnership,
  reopen,
  settledOwnership,
} from './ownership.ts';

const sql = `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fence_owner') THEN CREATE ROLE fence_owner NOLOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fence_app') THEN CREATE ROLE fence_app LOGIN; END IF;
  END $$;
  CREATE SCHEMA app AUTHORIZATION fence_owner;
  GRANT USAGE ON SCHEMA app TO fence_app;
  CREATE TABLE app.person (id int PRIMARY KEY);
  CREATE TABLE app.item (id bigserial PRIMARY KEY, person int REFERENCES app.person ON DELETE CASCADE, n int NOT NULL DEFAULT 0);
  CREATE TABLE app.part (day int, n int, PRIMARY KEY (day)) PARTITION BY RANGE (day);
  CREATE TABLE app.part_1 PARTITION OF app.part FOR VALUES FROM (0) TO (10);
  ALTER TABLE app.person OWNER TO fence_owner; ALTER TABLE app.item OWNER TO fence_owner;
  ALTER TABLE app.part OWNER TO fence_owner; ALTER TABLE app.part_1 OWNER TO fence_owner;
  GRANT ALL ON ALL TABLES IN SCHEMA app TO fence_app; GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO fence_app;
  INSERT INTO app.person VALUES (1), (2);
`;
const schema: TestSchema = {
  name: 'fence',
  sql: { monolith: sql, service: sql },
  extraction: { tables: { 'app.item': {}, 'app.part': {} } },
};
const tables = ['"app"."item"', '"app"."part"'];

let database: TestDatabase;
let operator: pg.Client;
let apply: pg.Client;
let app: pg.Client;
let other: pg.Client;

const asApp = async () => {
  const client = new pg.Client(database.url('fence_app'));
  await client.connect();
  return client;
};
const fenceNow = (at: Epoch, waitMs = 500, leaseMs = 5_000) =>
  beginClosing(operator, 'x', at, { politeMs: 50, waitMs, leaseMs, tables });

beforeAll(async () => {
  database = await ledgerDatabase('monolith', schema);
  const admin = await connect({ url: database.url(), role: 'admin', name: 'test' });
  await createOwnership(admin, 'x', 'monolith');
  const key = (await admin.query(`SELECT lock_key FROM strangler.ownership`)).rows[0].lock_key;
  for (const table of ['app.item', 'app.part', 'app.part_1']) {
    await admin.query(
      `CREATE TRIGGER strangler_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${table}
         FOR EACH STATEMENT EXECUTE FUNCTION strangler.fence('x', ${ident(key).replaceAll('"', "'")});
       ALTER TABLE ${table} ENABLE ALWAYS TRIGGER strangler_fence`,
    );
  }
  await admin.end();
});

beforeEach(async () => {
  await database.query(
    `UPDATE strangler.ownership SET state = 'open', epoch = epoch + 1, deadline = NULL WHERE extraction = 'x'`,
  );
  [operator, apply, app, other] = await Promise.all([
    connect({ url: database.url(), role: 'operator', name: 'test' }),
    connect({ url: database.url(), role: 'apply', name: 'test' }),
    asApp(),
    asApp(),
  ]);
});

afterEach(async () => {
  await Promise.all([operator, apply, app, other].map((client) => client.end()));
});

const epochNow = async () =>
  epochOf.parse((await database.query(`SELECT epoch::text FROM strangler.ownership`))[0]?.['epoch']);
const refused = { code: 'SF001' };
const insert = (client: pg.Client) => client.query('INSERT INTO app.item (n) VALUES (1)');

describe('the fence', () => {
  it('lets the application write while open, and the sink only while closed', async () => {
    await insert(app);
    await expect(apply.query('INSERT INTO app.item (id, n) VALUES (-1, 1)')).rejects.toMatchObject(refused);
    await decide(operator, 'x', await fenceNow(await epochNow()), 1_000, {});
    await expect(insert(app)).rejects.toMatchObject(refused);
    await apply.query('SET session_replication_role = replica');
    await apply.query('INSERT INTO app.item (id, n) VALUES (-2, 1)');
  });

  it('trap 42: says who owns, to every role and every statement', async () => {
    await decide(operator, 'x', await fenceNow(await epochNow()), 1_000, {});
    for (const statement of [
      'INSERT INTO app.item (n) VALUES (1)',
      'UPDATE app.item SET n = 2 WHERE false',
      'DELETE FROM app.item',
      'TRUNCATE app.item',
      'INSERT INTO app.part_1 VALUES (3, 3)',
      'WITH w AS (INSERT INTO app.item (n) VALUES (1) RETURNING n) SELECT 1',
    ]) {
      await expect(app.query(statement), statement).rejects.toMatchObject({
        code: 'SF001',
        message: expect.stringMatching(/writes to app\.\w+ belong to the service \(extraction x\)/),
      });
    }
    await expect(database.query('DELETE FROM app.item')).rejects.toMatchObject(refused);
  });

  it('trap 41: a cascade from a table that stays is refused', async () => {
    await decide(operator, 'x', await fenceNow(await epochNow()), 1_000, {});
    await expect(app.query('DELETE FROM app.person WHERE id = 2')).rejects.toMatchObject(refused);
    await expect(app.query(`SET ROLE fence_owner`)).rejects.toThrow();
  });

  it('trap 38: waits for writers in flight and refuses newcomers without making them wait', async () => {
    await app.query('BEGIN');
    await insert(app);
    const closing = fenceNow(await epochNow(), 5_000);
    await database.query(`SELECT 1`);
    // The firm wait has begun once the operator waits for the lock.
    for (;;) {
      const [row] = await database.query(
        `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`,
      );
      if (row?.['n'] === 1) break;
    }
    const began = performance.now();
    await expect(insert(other)).rejects.toMatchObject(refused);
    expect(performance.now() - began).toBeLessThan(1_000);
    await insert(app);
    await app.query('COMMIT');
    await closing;
    await expect(insert(app)).rejects.toMatchObject(refused);
  });

  it('gives up within its bound and leaves nothing changed', async () => {
    await app.query('BEGIN');
    await insert(app);
    const before = await epochNow();
    await expect(fenceNow(before, 100)).rejects.toMatchObject({ code: '55P03' });
    expect(await epochNow()).toBe(before);
    await app.query('ROLLBACK');
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'])(
    'trap 39: a %s snapshot from before the fence cannot write',
    async (level) => {
      await app.query(`BEGIN ISOLATION LEVEL ${level}`);
      await app.query('SELECT count(*) FROM app.person');
      await decide(operator, 'x', await fenceNow(await epochNow()), 1_000, {});
      await expect(insert(app)).rejects.toMatchObject({ code: '40001' });
      await app.query('ROLLBACK');
    },
  );

  it('trap 40: a prepared transaction keeps the fence out', async (context) => {
    const [setting] = await database.query('SHOW max_prepared_transactions');
    if (setting?.['max_prepared_transactions'] === '0') return context.skip('max_prepared_transactions is 0');
    await app.query('BEGIN');
    await insert(app);
    await app.query(`PREPARE TRANSACTION 'fence_test'`);
    try {
      await expect(fenceNow(await epochNow(), 100)).rejects.toMatchObject({ code: '55P03' });
    } finally {
      await app.query(`ROLLBACK PREPARED 'fence_test'`);
    }
  });

  it('refuses to close while a partition has no fence', async () => {
    await database.query(`ALTER TABLE app.part_1 DISABLE TRIGGER strangler_fence`);
    await expect(fenceNow(await epochNow())).rejects.toMatchObject({
      code: 'SF002',
      message: expect.stringContaining('app.part_1'),
    });
    await database.query(`ALTER TABLE app.part_1 ENABLE ALWAYS TRIGGER strangler_fence`);
  });

  it('an undecided fence lapses by itself, also for is_owner', async () => {
    await fenceNow(await epochNow(), 500, 40);
    for (;;) {
      const row = await readOwnership(operator, 'x');
      if (row && isOpen(row)) break;
    }
    await insert(app);
    const [row] = await database.query(
      `SELECT strangler.is_owner('x') AS owner, strangler.is_owner('none') AS none`,
    );
    expect(row).toEqual({ owner: true, none: false });
  });

  it('trap 45: a decision after the deadline is refused, even in a transaction that began before it', async () => {
    const fence = await fenceNow(await epochNow(), 500, 60);
    await operator.query('BEGIN');
    for (;;) {
      const row = await readOwnership(operator, 'x');
      if (row && isOpen(row)) break;
    }
    await expect(decide(operator, 'x', fence, 500, {})).rejects.toMatchObject({ code: 'SF004' });
    await operator.query('ROLLBACK');
  });

  it('trap 46: whoever acts names the epoch, and a stale one is refused', async () => {
    const fence = await fenceNow(await epochNow());
    await reopen(operator, 'x', fence, 500);
    await expect(decide(operator, 'x', fence, 500, {})).rejects.toMatchObject({ code: 'SF004' });
    await expect(fenceNow(fence)).rejects.toMatchObject({ code: 'SF003' });
    await insert(app);
  });

  it('writes the sequences into the decision, and the sink opens from it once', async () => {
    await insert(app);
    const fence = await fenceNow(await epochNow());
    const decided = await decide(operator, 'x', fence, 500, { 'app.item.id': 'app.item_id_seq' });
    const [row] = await database.query(
      `SELECT sequences ->> 'app.item.id' AS decided, (SELECT last_value FROM app.item_id_seq)::text AS last FROM strangler.ownership`,
    );
    expect(row?.['decided']).toBe(row?.['last']);
    expect((await settledOwnership(operator, 'x', 500))?.state).toBe('closed');
    await expect(openSide(apply, 'x', decided)).rejects.toMatchObject({ code: 'SF003' });
    const opened = await openSide(apply, 'x', (decided + 2n) as Epoch);
    expect(await readOwnership(operator, 'x')).toMatchObject({ state: 'open', epoch: opened, term: opened });
    await insert(app);
  });

  it('only its own functions change ownership, and only for whom they are', async () => {
    for (const client of [app, apply, operator]) {
      await expect(client.query(`UPDATE strangler.ownership SET state = 'open'`)).rejects.toMatchObject({
        code: '42501',
      });
    }
    await expect(openSide(operator, 'x', 99n as Epoch)).rejects.toMatchObject({ code: '42501' });
    await expect(decide(apply, 'x', 1n as Epoch, 1, {})).rejects.toMatchObject({ code: '42501' });
    await expect(decide(app, 'x', 1n as Epoch, 1, {})).rejects.toMatchObject({ code: '42501' });
  });
});
