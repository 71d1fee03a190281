import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCluster } from '@strangler/cluster';
import type { Config, Extraction } from '@strangler/config';
import { setupSql } from '@strangler/migrations';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { copyAll } from '../../../cdc/test/follow.ts';
import { application, makeSides, type Sides } from '../../../cdc/test/sides.ts';
import { type Finding, runDoctor } from './index.ts';
import { transactionProblems } from './server.ts';

const monolithSql = `
  CREATE TYPE status AS ENUM ('new', 'paid');
  CREATE TABLE orders (id bigserial PRIMARY KEY, status status NOT NULL, total numeric(12,2) NOT NULL, note text);
  INSERT INTO orders (status, total, note) SELECT 'paid', n + 0.25, 'n' FROM generate_series(1, 50) n;`;
const serviceSql = `
  CREATE TABLE bought (id bigserial PRIMARY KEY, state text NOT NULL CHECK (state IN ('new', 'paid')),
    cents bigint NOT NULL, note text);`;
const tables = {
  orders: {
    to: 'bought',
    columns: {
      status: { to: 'state', from: 'status::text', back: 'state::status' },
      total: { to: 'cents', from: '(total * 100)::bigint', back: '(cents / 100.0)::numeric(12,2)' },
    },
  },
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(status: number): Promise<string> {
  const server: Server = createServer((_, response) => response.writeHead(status).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The config of the sides with everything answering over HTTP. */
async function reachable(
  sides: Sides,
  flagStatus = 200,
): Promise<{ config: Config; extraction: Extraction }> {
  const config = {
    ...sides.config,
    monolith: { ...sides.config.monolith, url: await serve(404) },
    flags: { unleash: await serve(flagStatus), token: 'secret-token' },
  };
  const extraction = { ...sides.extraction, service: { ...sides.extraction.service, url: await serve(200) } };
  return { config, extraction };
}

const bad = (findings: readonly Finding[]) =>
  findings.filter((each) => each.level === 'refuse').map((each) => each.fact);
const warned = (findings: readonly Finding[]) =>
  findings
    .filter((each) => each.level === 'warn' && !each.fact.includes('no synchronous standby'))
    .map((each) => each.fact);

/** The test servers are shared: what others leave open there is not ours to expect. */
const ours = (facts: readonly string[]) =>
  facts.filter((fact) => !/has been writing for|prepared transaction|replication origins/.test(fact));

describe('runDoctor', () => {
  test('finds nothing wrong with a healthy extraction, before and after its sync, and changes nothing', async () => {
    const sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
    const options = await reachable(sides);
    const extraction = {
      ...options.extraction,
      unfinished: { service: 'SELECT count(*) FROM bought WHERE false' },
    };
    const before = await runDoctor({ ...options, extraction });
    expect(bad(before)).toEqual([]);
    expect(ours(warned(before))).toEqual([]);
    expect(before.filter((each) => each.level === 'ok').map((each) => each.check)).toEqual([
      'connections',
      'http',
      'clocks',
      'ledger',
      'rights',
      'plan',
      'tables',
      'foreign keys',
      'mapping',
      'service tables',
      'unfinished',
    ]);
    expect(before.filter((each) => each.fact.includes('no synchronous standby'))).toHaveLength(2);
    await copyAll(sides);
    await sides.as('monolith', 'operator', async (sql) =>
      sql.query(`INSERT INTO strangler.extraction (name, stage, config_hash) VALUES ('x', 'following', 'h')`),
    );
    const after = await runDoctor(options);
    expect(bad(after)).toEqual([]);
    expect(after.map((each) => each.check)).toContain('fences');
    await sides.service.query('DROP TRIGGER strangler_fence ON bought');
    expect(bad(await runDoctor(options))).toEqual([
      'The service has no fence on public.bought: writes there pass whoever owns.',
    ]);
  });

  test('names what the tables of both sides would do wrong, each with its remedy', async () => {
    const sides = await makeSides({
      monolith: `
        CREATE TYPE status AS ENUM ('new', 'paid', 'lost');
        CREATE TABLE users (id int PRIMARY KEY);
        CREATE SEQUENCE ids CACHE 50;
        CREATE SEQUENCE down INCREMENT -1;
        CREATE TABLE orders (id bigint PRIMARY KEY DEFAULT nextval('ids'), n bigint DEFAULT nextval('down'),
          user_id int REFERENCES users ON DELETE CASCADE, status status NOT NULL, at timestamptz NOT NULL,
          first text, last text, picture oid);
        INSERT INTO orders (status, at) VALUES ('paid', '2024-01-01 00:00:00.123456+00');
        CREATE TABLE invoices (id int PRIMARY KEY, order_id bigint REFERENCES orders);
        CREATE UNLOGGED TABLE kept (id int PRIMARY KEY);
        CREATE TABLE child () INHERITS (kept);
        CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER act BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION act();
        ALTER TABLE orders ENABLE ALWAYS TRIGGER act;
        ALTER TABLE kept ENABLE ROW LEVEL SECURITY`,
      service: `
        CREATE TABLE bought (id bigint PRIMARY KEY, n bigint, user_id int, at timestamptz(0) NOT NULL, name text, first text, last text,
          picture oid, state text CONSTRAINT known CHECK (state IN ('new', 'paid')), extra text);
        CREATE TABLE kept (id int PRIMARY KEY);
        INSERT INTO kept VALUES (1)`,
      tables: {
        orders: {
          to: 'bought',
          columns: {
            status: { to: 'state', from: 'status::text', back: 'state::status' },
            at: { from: 'at', back: 'at' },
            first: { from: `concat(first, last)`, back: 'first' },
          },
        },
        kept: {},
      },
    });
    const options = await reachable(sides, 401);
    const unfinished = { service: 'SELECT count(*) FROM saga' };
    const findings = await runDoctor({ ...options, extraction: { ...options.extraction, unfinished } });
    expect(bad(findings)).toEqual([
      'Row security of "public"."kept" at the monolith stops strangler_source, strangler_apply.',
      'The sequence "public"."down" of the monolith counts down.',
      '"public"."kept" of the monolith is unlogged: its changes are not in the WAL.',
      '"public"."child" of the monolith inherits from "public"."kept": its rows are published under its own name.',
    ]);
    expect(ours(warned(findings))).toEqual([
      `The flag server at ${options.config.flags?.unleash} gives no flags: it answers 401.`,
      'The trigger act on "public"."orders" of the monolith fires for applied rows, too: what it does was done by the owner already.',
      'The sequence "public"."ids" of the monolith hands out 50 values at a time: a session keeps its block over a switch, and its ids could meet those of the other side.',
      'picture of "public"."orders" at the monolith is of type oid: what it points to (a large object, a relation) is not carried.',
      'picture of "public"."bought" at the service is of type oid: what it points to (a large object, a relation) is not carried.',
      'The mapping of first reads first, last of "public"."orders": an update that leaves a large value of first, last alone doesn\'t send it, and would stop the stream.',
      'name of "public"."bought" has no counterpart in the monolith: copied rows get its default, and its values do not come back in a reverse.',
      'extra of "public"."bought" has no counterpart in the monolith: copied rows get its default, and its values do not come back in a reverse.',
      'id of "public"."orders" comes from a sequence; id of "public"."bought" has none.',
      'n of "public"."orders" comes from a sequence; n of "public"."bought" has none.',
      'A DELETE on "public"."users", which stays, reaches "public"."orders" (orders_user_id_fkey, cascade): while the service owns, every such delete is refused, also of rows without any.',
      '"public"."invoices", which stays, references "public"."orders" (invoices_order_id_fkey): while the service owns, a row there can point only to what has been carried back, and carried deletes don\'t ask it.',
    ]);
    expect(findings.every((each) => each.level === 'ok' || each.remedy.length > 10)).toBe(true);
    expect(JSON.stringify(findings)).not.toContain('secret-token');

    await sides.monolith.query('DROP TABLE child; ALTER TABLE kept DISABLE ROW LEVEL SECURITY');
    const mapped = bad(await runDoctor({ ...options, extraction: { ...options.extraction, unfinished } }));
    expect(mapped).toEqual([
      'The sequence "public"."down" of the monolith counts down.',
      '"public"."kept" of the monolith is unlogged: its changes are not in the WAL.',
      'at of "public"."orders" does not come back as it went: in 1 of the sampled rows `back` makes another value of what `from` made.',
      'first of "public"."orders" does not come back as it went: in 1 of the sampled rows `back` makes another value of what `from` made.',
      'The constraint known of "public"."bought" refuses lost, which status of "public"."orders" may hold.',
      '"public"."kept" of the service holds rows before the copy.',
      '`unfinished.service` cannot be asked as strangler_admin: relation "saga" does not exist.',
    ]);
  });

  test('trap 9: enum labels that only one side knows', async () => {
    const sides = await makeSides({
      monolith: `CREATE TYPE s AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, s s)`,
      service: `CREATE TYPE s AS ENUM ('a', 'c'); CREATE TABLE t (id int PRIMARY KEY, s s)`,
      tables: { t: {} },
    });
    const findings = await runDoctor(await reachable(sides));
    expect(bad(findings)).toEqual(['s of "public"."t" does not know b, which s of "public"."t" may hold.']);
    expect(warned(findings)).toContain(
      's of "public"."t" does not know c, which s of "public"."t" may hold: such a row cannot be carried back.',
    );
  });

  test('a mapping that fails on the rows that are there', async () => {
    const sides = await makeSides({
      monolith: `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'seven')`,
      service: `CREATE TABLE t (id int PRIMARY KEY, v int)`,
      tables: { t: {} },
    });
    expect(bad(await runDoctor(await reachable(sides)))).toEqual([
      'The mapping of "public"."t" fails on the monolith\'s rows: invalid input syntax for type integer: "seven".',
    ]);
  });

  test('says which right is missing, on what and for whom', async () => {
    const sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
    await sides.monolith.query('REVOKE SELECT ON orders FROM strangler_source');
    await sides.service.query(
      'REVOKE TRUNCATE ON bought FROM strangler_apply; REVOKE UPDATE ON SEQUENCE bought_id_seq FROM strangler_apply',
    );
    await sides.service.query(
      'REVOKE EXECUTE ON FUNCTION pg_replication_origin_session_setup(text) FROM strangler_apply',
    );
    await sides.service.query(
      `DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, strangler_apply', current_database()); END $$`,
    );
    const findings = await runDoctor(await reachable(sides));
    expect(bad(findings)).toEqual([
      'At the monolith, strangler_source lacks SELECT on "public"."orders".',
      'At the service, strangler_apply may not make temporary tables (TEMPORARY on the database).',
      'At the service, strangler_apply may not execute pg_replication_origin_session_setup(text).',
      'At the service, strangler_apply lacks TRUNCATE on "public"."bought".',
      'At the service, strangler_apply lacks UPDATE on sequence "public"."bought_id_seq".',
    ]);
    expect(findings.find((each) => each.check === 'rights')?.remedy).toBe(
      'Run the SQL of `strangler setup --sql --side monolith` as the DBA: it grants exactly what is needed.',
    );
  });

  test('a missing table, a table without a primary key', async () => {
    const sides = await makeSides({
      monolith: 'CREATE TABLE a (id int)',
      service: 'CREATE TABLE a (id int PRIMARY KEY)',
      tables: { a: {}, b: {} },
    });
    expect(bad(await runDoctor(await reachable(sides)))).toEqual([
      'The monolith\'s database has no table "public"."b".',
      'The service\'s database has no table "public"."b".',
      '"public"."a" has no primary key.',
    ]);
  });

  test('trap 48: databases that are swapped, or belong to another environment', async () => {
    const sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
    const { config, extraction } = await reachable(sides);
    const swapped = await runDoctor({
      config: { ...config, monolith: { ...config.monolith, database: extraction.service.database } },
      extraction: { ...extraction, service: { ...extraction.service, database: config.monolith.database } },
    });
    expect(bad(swapped)).toEqual([
      "The monolith's database has the service's tables, and the service's the monolith's: the two are swapped.",
    ]);
    expect(bad(await runDoctor({ config: { ...config, environment: 'other' }, extraction }))).toEqual([
      `The monolith's database belongs to environment ${config.environment}, not other.`,
      `The service's database belongs to environment ${config.environment}, not other.`,
    ]);
  });

  test('what does not answer: a database, the monolith, the service', async () => {
    const sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
    const findings = await runDoctor({
      config: {
        ...sides.config,
        monolith: { ...sides.config.monolith, database: 'postgres://127.0.0.1:1/shop' },
      },
      extraction: sides.extraction,
    });
    expect(bad(findings)).toEqual([
      "The monolith's database: Cannot connect as strangler_operator at 127.0.0.1:1/shop: connect ECONNREFUSED 127.0.0.1:1.",
    ]);
    expect(warned(findings)).toEqual([
      'The monolith does not answer at http://127.0.0.1:1: bad port.',
      'The service does not answer at http://127.0.0.1:2: connect ECONNREFUSED 127.0.0.1:2.',
    ]);
  });

  test('trap 67: transactions that hold up a slot', async () => {
    const sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
    const client = new pg.Client({ connectionString: sides.service.url(application) });
    await client.connect();
    try {
      await client.query(`BEGIN; INSERT INTO bought (state, cents) VALUES ('new', 1)`);
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const found = await sides.as('service', 'operator', async (sql) =>
        transactionProblems(sql, 'service', 0),
      );
      const facts = found.map((each) => each.fact);
      expect(facts.find((fact) => fact.includes(`process ${rows[0]?.pid} of`))).toMatch(
        new RegExp(
          `^A transaction at the service has been writing for \\d+ s: process \\d+ of ${application} in database ${sides.service.name}\\.`,
        ),
      );
    } finally {
      await client.end();
    }
  });

  test('trap 20: a pooler in the way', async () => {
    const sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
    const url = new URL(sides.extraction.service.database);
    const pooler = await fakePooler(Number(url.port));
    url.port = String(pooler);
    const { config, extraction } = await reachable(sides);
    const findings = await runDoctor({
      config,
      extraction: { ...extraction, service: { ...extraction.service, database: url.toString() } },
    });
    expect(bad(findings)[0]).toMatch(
      /^A pooler answers at the service's database: the session is served by process \d+, not by 4242\.$/,
    );
  });

  test('a server that cannot be followed: wal_level, slots, its promises', async () => {
    const sides = await makeSides({ monolith: monolithSql, service: serviceSql, tables });
    const { config, extraction } = await reachable(sides);
    const dataDir = await mkdtemp(path.join(tmpdir(), 'strangler-doctor-'));
    await chmod(dataDir, 0o755);
    const cluster = await startCluster({
      dataDir: path.join(dataDir, 'data'),
      settings: {
        wal_level: 'replica',
        max_replication_slots: '0',
        max_slot_wal_keep_size: '100MB',
        synchronous_commit: 'off',
      },
    });
    closers.push(async () => {
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    });
    const client = new pg.Client({ connectionString: cluster.url() });
    await client.connect();
    const none = await runDoctor({
      config: { ...config, monolith: { ...config.monolith, database: cluster.url() } },
      extraction,
    });
    expect(bad(none)[0]).toMatch(
      /^The monolith's database: PostgreSQL refuses strangler_operator at 127\.0\.0\.1:\d+\/postgres: role "strangler_operator" does not exist\.$/,
    );
    await client.query(
      `CREATE ROLE someone; SET ROLE someone; RESET ROLE; GRANT CREATE ON SCHEMA public TO someone; ${monolithSql.replaceAll('CREATE TABLE orders', 'CREATE TABLE public.orders')}; ALTER TABLE orders OWNER TO someone`,
    );
    await client.query(setupSql('monolith', ['"public"."orders"']));
    await client.end();
    const findings = await runDoctor({
      config: { ...config, monolith: { ...config.monolith, database: cluster.url() } },
      extraction,
    });
    expect(bad(findings)).toEqual([
      'wal_level is replica at the monolith.',
      'All 0 replication slots of the monolith are in use.',
      "The monolith's database has no ledger.",
    ]);
    expect(ours(warned(findings))).toEqual([
      'max_slot_wal_keep_size of the monolith is 100 MB, less than limits.wal (10000 MB): the server gives a slot up before we would.',
      'synchronous_commit is off at the monolith: a crash forgets acknowledged writes, whoever owns.',
    ]);
  });
});

/** Passes everything on, but announces a process of its own, as poolers do. */
async function fakePooler(port: number): Promise<number> {
  const server = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    client.pipe(upstream);
    let announced = false;
    upstream.on('data', (chunk: Buffer) => {
      const at = announced ? -1 : chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (at >= 0) {
        announced = true;
        chunk.writeInt32BE(4242, at + 5);
      }
      client.write(chunk);
    });
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('error', () => {});
    client.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}
