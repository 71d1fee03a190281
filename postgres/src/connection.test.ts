import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, freePort, startCluster } from '@strangler/cluster';
import { StranglerError } from '@strangler/errors';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, replicationClient, roleUrl, SqlPool } from './index.ts';

/** With everything that means something in a URL. */
const password = `p@ss:w/ord %41?#&"'\\é`;
const variables = ['SOURCE', 'APPLY', 'FACADE', 'OPERATOR'].map((role) => `STRANGLER_${role}_PASSWORD`);

let home: string;
let cluster: Cluster;
let url: string;
const clients: pg.Client[] = [];

/** A connection that ends with its test. */
async function open(options: Partial<Parameters<typeof connect>[0]> = {}): Promise<pg.Client> {
  const client = await connect({ url, role: 'source', name: 'test', ...options });
  clients.push(client);
  return client;
}

/** What a failed attempt to connect is told as. */
async function refusal(attempt: Promise<unknown>): Promise<StranglerError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StranglerError)) throw new Error(`expected a StranglerError, got ${String(error)}`);
  return error;
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'strangler-postgres-test-'));
  // PostgreSQL refuses to run as root: its own user must get in.
  await chmod(home, 0o755);
  cluster = await startCluster({
    dataDir: join(home, 'data'),
    password: 'of the superuser',
    settings: { fsync: 'off' },
  });
  url = cluster.url();
  const superuser = new pg.Client(url);
  await superuser.connect();
  await superuser.query(`
    CREATE ROLE strangler_source LOGIN REPLICATION PASSWORD ${superuser.escapeLiteral(password)};
    CREATE ROLE strangler_apply LOGIN PASSWORD 'right';
    CREATE ROLE strangler_facade NOLOGIN PASSWORD 'right';
    CREATE ROLE strangler_admin LOGIN PASSWORD 'right';
    -- What a DBA may have set for a role, or a database: pinned settings must win.
    ALTER ROLE strangler_source SET DateStyle = 'SQL, DMY';
    ALTER ROLE strangler_source SET TimeZone = 'Asia/Kolkata';
    ALTER DATABASE postgres SET IntervalStyle = 'sql_standard';
    ALTER DATABASE postgres SET search_path = elsewhere;
    ALTER DATABASE postgres SET extra_float_digits = '0'`);
  await superuser.query('CREATE DATABASE shut');
  await superuser.query('REVOKE CONNECT ON DATABASE shut FROM PUBLIC');
  await superuser.end();
  process.env['STRANGLER_SOURCE_PASSWORD'] = password;
  process.env['STRANGLER_APPLY_PASSWORD'] = 'wr0ng-secret';
  process.env['STRANGLER_FACADE_PASSWORD'] = 'right';
  process.env['STRANGLER_OPERATOR_PASSWORD'] = 'right';
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
});

afterAll(async () => {
  for (const name of variables) delete process.env[name];
  await cluster?.stop();
  await rm(home, { recursive: true, force: true });
});

describe('a connection of ours', () => {
  it('is the role, with its password from the environment, whoever the URL names', async () => {
    const named = new URL(url);
    named.searchParams.set('user', 'postgres');
    named.searchParams.set('password', 'of the superuser');
    for (const each of [url, named.href]) {
      const { rows } = await (await open({ url: each })).query('SELECT session_user');
      expect(rows).toEqual([{ session_user: 'strangler_source' }]);
    }
    expect(roleUrl(url, 'operator')).not.toContain('superuser');
  });

  it('trap 23: pins every setting that changes a text, over what roles, databases and the URL say', async () => {
    const meddling = new URL(url);
    meddling.searchParams.set('options', '-c DateStyle=German');
    meddling.searchParams.set('client_encoding', 'LATIN1');
    meddling.searchParams.set('application_name', 'somebody else');
    const client = await open({
      url: meddling.href,
      name: 'sink of orders',
      searchPath: ['Sche ma', 'q"\\\tt'],
    });
    const { rows } = await client.query(`
      SELECT name, setting FROM pg_settings WHERE name = ANY (ARRAY['DateStyle', 'IntervalStyle', 'TimeZone',
        'extra_float_digits', 'bytea_output', 'xmlbinary', 'row_security', 'search_path', 'client_encoding',
        'default_transaction_isolation', 'standard_conforming_strings', 'application_name',
        'idle_in_transaction_session_timeout']) ORDER BY name`);
    expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toMatchInlineSnapshot(`
      {
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "postgres",
        "TimeZone": "UTC",
        "application_name": "strangler sink of orders",
        "bytea_output": "hex",
        "client_encoding": "UTF8",
        "default_transaction_isolation": "read committed",
        "extra_float_digits": "3",
        "idle_in_transaction_session_timeout": "60000",
        "row_security": "off",
        "search_path": "pg_catalog, "Sche ma", "q""\\	t", pg_temp",
        "standard_conforming_strings": "on",
        "xmlbinary": "base64",
      }
    `);
  });

  it('trap 24: values stay the text that the server printed', async () => {
    const { rows } = await (await open()).query(
      `SELECT 9007199254740993::bigint AS big, 1.10::numeric(12,2) AS money, 0.1::float8 + 0.2 AS float,
              '2026-03-29 01:30:00.123456+02'::timestamptz AS at, '1 mon 2 days'::interval AS span,
              '\\xdead'::bytea AS bytes, '{"b": 1,  "a": 1e2}'::json AS json, ARRAY['a', NULL, 'NULL'] AS list,
              true AS yes, NULL::int AS nothing, 'infinity'::date AS never`,
    );
    expect(rows[0]).toMatchInlineSnapshot(`
      {
        "at": "2026-03-28 23:30:00.123456+00",
        "big": "9007199254740993",
        "bytes": "\\xdead",
        "float": "0.30000000000000004",
        "json": "{"b": 1,  "a": 1e2}",
        "list": "{a,NULL,"NULL"}",
        "money": "1.10",
        "never": "infinity",
        "nothing": null,
        "span": "1 mon 2 days",
        "yes": "t",
      }
    `);
  });

  it('takes more settings, and bounds what it waits for', async () => {
    const client = await open({ settings: { lock_timeout: '120ms', work_mem: '5MB' } });
    const { rows } = await client.query(
      `SELECT current_setting('lock_timeout') AS lock, current_setting('work_mem') AS mem`,
    );
    expect(rows).toEqual([{ lock: '120ms', mem: '5MB' }]);
  });

  it('speaks the replication protocol when asked to, with the same settings', async () => {
    const client = replicationClient({ url, role: 'source', name: 'reader' });
    clients.push(client);
    await client.connect();
    const [system] = (await client.query('IDENTIFY_SYSTEM')).rows;
    expect(system).toMatchObject({ dbname: 'postgres', timeline: '1' });
    expect((await client.query('SHOW DateStyle')).rows).toEqual([{ DateStyle: 'ISO, YMD' }]);
  });
});

describe('a pool of ours', () => {
  it('lends pinned connections, and throws one away whose work failed', async () => {
    const pool = new SqlPool({ url, role: 'source', name: 'pool', max: 1 });
    try {
      const pid = async () =>
        (await pool.query('SELECT pg_backend_pid() AS pid, current_setting($1) AS zone', ['TimeZone']))
          .rows[0];
      const first = await pid();
      expect(first?.['zone']).toBe('UTC');
      expect(await pid()).toEqual(first);
      const work = pool.with(async (client) => {
        await client.query('BEGIN');
        await client.query('SELECT 1/0');
      });
      await expect(work).rejects.toMatchObject({ code: '22012' });
      // The transaction that was left open went with its connection.
      expect((await pid())?.['pid']).not.toBe(first?.['pid']);
    } finally {
      await pool.end();
    }
  });
});

describe('a connection that cannot be made', () => {
  let silent: Server;
  beforeAll(async () => {
    // Takes every connection and what it says, and never answers.
    silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => silent.close(resolve));
  });

  const portOf = (server: Server) => {
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  };
  const expectNoSecret = (error: StranglerError) => {
    const told = `${error.message} ${String(error.stack)} ${JSON.stringify(error)}`;
    for (const secret of ['wr0ng-secret', 'superuser', 's3cret', password, encodeURIComponent(password)]) {
      expect(told).not.toContain(secret);
    }
  };

  it.each([
    ['a wrong password', 'apply', 'postgres', 'password authentication failed'],
    ['a role that may not log in', 'facade', 'postgres', 'not permitted to log in'],
    ['a role that is not there', 'operator', 'postgres', 'password authentication failed'],
    ['a password that is not set', 'admin', 'postgres', 'STRANGLER_ADMIN_PASSWORD is not set'],
    ['a database that it may not enter', 'source', 'shut', 'permission denied for database "shut"'],
  ] as const)('ROLE_REFUSED for %s, with the remedy and no secret', async (_, role, database, words) => {
    const options = { url: cluster.url(database), role, name: 'test' } as const;
    const error = await refusal(connect(options));
    expect(error).toMatchObject({ code: 'ROLE_REFUSED', exitCode: 5 });
    expect(error.fact).toContain(`strangler_${role} at 127.0.0.1:${cluster.port}/${database}`);
    expect(error.fact).toContain(words);
    expect(error.remedy).toContain(`STRANGLER_${role.toUpperCase()}_PASSWORD`);
    expectNoSecret(error);
    const pool = new SqlPool({ ...options, max: 1 });
    expect(await refusal(pool.query('SELECT 1'))).toMatchObject({ code: 'ROLE_REFUSED' });
    await pool.end();
  });

  it.each([
    ['nobody listens', async () => `postgresql://app:s3cret@127.0.0.1:${await freePort()}/shop`],
    [
      'somebody listens and never answers',
      async () => `postgresql://app:s3cret@127.0.0.1:${portOf(silent)}/shop`,
    ],
    ['the database is not there', async () => cluster.url('missing')],
    ['the host is not there', async () => 'postgresql://app:s3cret@strangler.invalid/shop'],
  ])('DATABASE_UNREACHABLE when %s, with no secret', async (_, address) => {
    const options = { url: await address(), role: 'source', name: 'test', connectTimeoutMs: 300 } as const;
    const error = await refusal(connect(options));
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE', exitCode: 5 });
    expectNoSecret(error);
    const pool = new SqlPool({ ...options, max: 1 });
    expect(await refusal(pool.query('SELECT 1'))).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    await pool.end();
  });
});
