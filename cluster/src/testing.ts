import { randomBytes } from 'node:crypto';
import { pause } from '@strangler/errors';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import './testing-setup.ts';

/** One of the two servers of a test run. */
export type TestSide = 'monolith' | 'service';

/** A database of one test file. */
export interface TestDatabase {
  readonly name: string;
  readonly side: TestSide;
  /** A connection string, as the superuser unless another user is named. */
  url(user?: string): string;
  /** Runs SQL as the superuser. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    params?: unknown[],
  ): Promise<Row[]>;
  /** Drops it with its replication slots and whoever is connected. Safe to call again. */
  drop(): Promise<void>;
}

/** Where a database of a test server is. */
export function clusterUrl(side: TestSide, database = 'postgres', user = 'postgres'): string {
  const { port } = inject('clusters')[side];
  return `postgresql://${encodeURIComponent(user)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

/**
 * Makes a database for the test file that calls it, and drops it after the file's tests.
 * @param options.template a database to clone, as `templateDatabase` names it
 * @param options.owner a role that owns it
 */
export async function createDatabase(
  side: TestSide,
  options: { template?: string; owner?: string } = {},
): Promise<TestDatabase> {
  const name = `t_${side}_${process.pid}_${randomBytes(5).toString('hex')}`;
  await asSuperuser(side, (client) => clone(client, name, options));
  const database = open(side, name);
  afterAll(() => database.drop(), 30_000);
  return database;
}

/**
 * Builds a template once per server, whichever test file comes first; the others wait and use it.
 * Builds on one server follow each other, so that they may create roles, which the whole server shares; a build must
 * not call `templateDatabase` itself.
 * @returns the template's name, for `createDatabase`
 */
export async function templateDatabase(
  side: TestSide,
  name: string,
  build: (database: TestDatabase) => Promise<void>,
): Promise<string> {
  const template = `template_${name}`;
  await exclusively(side, async (client) => {
    const found = await client.query('select from pg_database where datname = $1', [template]);
    if (found.rowCount) return;
    const unfinished = `${template}_unfinished`;
    await client.query(`drop database if exists ${quote(unfinished)} with (force)`);
    await client.query(`create database ${quote(unfinished)} template template0`);
    const database = open(side, unfinished);
    await build(database);
    await database.close();
    await retryWhileInUse(() =>
      client.query(`alter database ${quote(unfinished)} rename to ${quote(template)}`),
    );
  });
  return template;
}

/** Runs `work` while nobody else runs any on that server: for roles and other things that databases share. */
export async function exclusively<T>(side: TestSide, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return asSuperuser(side, async (client) => {
    await client.query(`select pg_advisory_lock(hashtext('strangler tests'))`);
    return work(client);
  });
}

async function clone(
  client: pg.Client,
  name: string,
  options: { template?: string; owner?: string },
): Promise<void> {
  const owner = options.owner ? ` owner ${quote(options.owner)}` : '';
  const template = options.template ?? 'template0';
  await retryWhileInUse(() =>
    client.query(`create database ${quote(name)} template ${quote(template)}${owner}`),
  );
}

/** A worker of the server's own (autovacuum) may be in the template for a moment. */
async function retryWhileInUse(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== '55006' || tries === 100) throw error;
      await pause(20);
    }
  }
}

function open(side: TestSide, name: string): TestDatabase & { close(): Promise<void> } {
  let pool: pg.Pool | undefined;
  let dropped: Promise<void> | undefined;
  const close = async () => {
    const open = pool;
    pool = undefined;
    await open?.end();
  };
  return {
    name,
    side,
    url: (user = 'postgres') => clusterUrl(side, name, user),
    async query<Row extends pg.QueryResultRow>(sql: string, params?: unknown[]) {
      pool ??= newPool(clusterUrl(side, name));
      const { rows } = await pool.query<Row>(sql, params);
      return rows;
    },
    close,
    drop() {
      dropped ??= close().then(() => asSuperuser(side, (client) => dropDatabase(client, name)));
      return dropped;
    },
  };
}

function newPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4, allowExitOnIdle: true });
  // An idle connection that a test's own kill ended: the next query opens another.
  pool.on('error', () => {});
  return pool;
}

async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  const known = await client.query('select from pg_database where datname = $1', [name]);
  if (!known.rowCount) return;
  // Nobody comes back while the slots go.
  await client.query(`alter database ${quote(name)} with allow_connections false`);
  await client.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
    name,
  ]);
  await retryWhileInUse(() =>
    client.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1', [
      name,
    ]),
  );
  await client.query(`drop database if exists ${quote(name)} with (force)`);
}

async function asSuperuser<T>(side: TestSide, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: clusterUrl(side) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
