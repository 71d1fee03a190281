import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, reachableDirectory, startCluster } from '@strangler/cluster';
import { type ConfigInput, parseConfig } from '@strangler/config';
import {
  bindEnvironment,
  createOwnership,
  fenceTrigger,
  originName,
  publicationName,
  type Side,
} from '@strangler/ledger';
import { migrateUp, setupSql } from '@strangler/migrations';
import { connect, ident, qualified, type Role, roleUrl } from '@strangler/postgres';
import pg from 'pg';

const database = 'bench';
const environment = 'bench';
const bothSides = ['monolith', 'service'] as const;
/** Owns the measured tables, as an application's role does. */
const application = 'bench_app';

export type ExtractionInput = NonNullable<ConfigInput['extractions']>[string];

/** Two clusters of their own with the real roles and the ledger, for one run of the bench. */
export interface Sides {
  /** The bench's database of a side, or another one of its server. */
  url(side: Side, name?: string): string;
  /** As the superuser, each statement a transaction of its own: what prepares and watches, never what is measured. */
  query(side: Side, sql: string, name?: string): Promise<Record<string, unknown>[]>;
  as<T>(side: Side, role: Role, work: (client: pg.Client) => Promise<T>): Promise<T>;
  /** Flushes both servers' dirty pages, so that no contender writes another's. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Settings as PostgreSQL has them (fsync is on), but for what would fall into one contender's round and not another's. */
const settings = {
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  // A subscription that is enabled again so soon would have to wait.
  wal_retrieve_retry_interval: '100ms',
};

/** Starts both clusters on empty data, with the roles as `strangler setup --sql` prints them. */
export async function startSides(signal: AbortSignal): Promise<Sides> {
  const directory = await mkdtemp(join(await reachableDirectory(tmpdir()), 'strangler-bench-'));
  const clusters: Partial<Record<Side, Cluster>> = {};
  const stop = async () => {
    await Promise.all(Object.values(clusters).map((cluster) => cluster.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    // Where PostgreSQL runs as a user of its own, it has to get in.
    await chmod(directory, 0o755);
    const [monolith, service] = await Promise.all(
      bothSides.map(async (side) => {
        const cluster = await startCluster({ dataDir: join(directory, side), settings, signal });
        clusters[side] = cluster;
        return cluster;
      }),
    );
    if (!monolith || !service) throw new Error('two clusters were asked for');
    const sides = sidesOf({ monolith, service }, stop);
    for (const side of bothSides) await makeLedger(sides, side);
    return sides;
  } catch (error) {
    await stop();
    throw error;
  }
}

function sidesOf(clusters: Record<Side, Cluster>, stop: () => Promise<void>): Sides {
  const url = (side: Side, name = database) => clusters[side].url(name);
  const query = async (side: Side, sql: string, name?: string) => {
    const client = new pg.Client(url(side, name));
    await client.connect();
    try {
      const { rows } = await client.query(sql);
      return rows ?? [];
    } finally {
      await client.end();
    }
  };
  return {
    url,
    query,
    stop,
    settle: async () => {
      await Promise.all(bothSides.map(async (side) => await query(side, 'CHECKPOINT')));
    },
    as: async (side, role, work) => {
      const client = await connect({ url: url(side), role, name: 'bench' });
      try {
        return await work(client);
      } finally {
        await client.end();
      }
    },
  };
}

async function makeLedger(sides: Sides, side: Side): Promise<void> {
  await sides.query(side, `CREATE DATABASE ${database}`, 'postgres');
  await sides.query(side, `CREATE ROLE ${application}; CREATE SCHEMA bench AUTHORIZATION ${application}`);
  await sides.query(side, setupSql(side, []));
  await migrateUp(roleUrl(sides.url(side), 'admin'), side);
  await sides.as(side, 'admin', async (admin) => bindEnvironment(admin, environment, side));
}

/** A config of one extraction, as plain data that another process can parse, too. */
export function configInput(
  sides: Sides,
  name: string,
  extraction: Omit<ExtractionInput, 'service'>,
  urls = { monolith: 'http://127.0.0.1:1', service: 'http://127.0.0.1:2' },
): ConfigInput {
  return {
    environment,
    monolith: { url: urls.monolith, database: sides.url('monolith') },
    extractions: {
      [name]: { ...extraction, service: { url: urls.service, database: sides.url('service') } },
    },
  };
}

/** The config and its only extraction. */
export function parsedInput(input: unknown) {
  const config = parseConfig(input, 'bench');
  const [extraction] = config.extractions;
  if (!extraction) throw new Error('the config has no extraction');
  return { config, extraction };
}

/** Makes the tables as the application, then everything that `setup` and `sync` make before a copy. */
export async function prepare(
  sides: Sides,
  input: ConfigInput,
  tables: Readonly<Record<Side, string>>,
): Promise<void> {
  const { extraction } = parsedInput(input);
  for (const side of bothSides) {
    await sides.query(side, `SET ROLE ${application}; ${tables[side]}`);
    const names = extraction.tables.map((each) => qualified(each[side]));
    await sides.query(side, setupSql(side, names));
    await sides.as(side, 'admin', async (admin) => {
      await createOwnership(admin, extraction.name, side);
      await guard(admin, extraction.name, side, names);
    });
  }
}

/** Fences, the stream's origin and its publication on one side. */
async function guard(admin: pg.Client, name: string, side: Side, tables: readonly string[]): Promise<void> {
  const { rows } = await admin.query(
    'SELECT lock_key::text AS key FROM strangler.ownership WHERE extraction = $1',
    [name],
  );
  for (const table of tables) {
    await admin.query(
      `CREATE TRIGGER ${fenceTrigger} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${table}
         FOR EACH STATEMENT EXECUTE FUNCTION strangler.fence('${name}', '${rows[0]?.key}');
       ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${fenceTrigger}`,
    );
  }
  const direction = side === 'service' ? 'forward' : 'reverse';
  await admin.query('SELECT pg_replication_origin_create($1)', [originName(environment, name, direction)]);
  await admin.query(
    `CREATE PUBLICATION ${ident(publicationName(environment, name))}
       FOR TABLE ${[...tables, 'strangler.ownership'].join(', ')} WITH (publish_via_partition_root = true)`,
  );
}
