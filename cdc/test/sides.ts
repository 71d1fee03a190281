import { randomBytes } from 'node:crypto';
import { createDatabase, exclusively, type TestDatabase, templateDatabase } from '@strangler/cluster/testing';
import { type Config, type ConfigInput, type Extraction, parseConfig } from '@strangler/config';
import {
  bindEnvironment,
  createOwnership,
  fenceTrigger,
  originName,
  publicationName,
  type Side,
  targetOf,
} from '@strangler/ledger';
import { migrateUp, setupSql } from '@strangler/migrations';
import { connect, ident, qualified, type Role, roleUrl } from '@strangler/postgres';
import type pg from 'pg';
import { afterAll } from 'vitest';

type ExtractionInput = NonNullable<ConfigInput['extractions']>[string];

/** Two databases with the real roles, grants and ledger, and the config of one extraction, `x`. */
export interface Sides {
  readonly config: Config;
  readonly extraction: Extraction;
  readonly monolith: TestDatabase;
  readonly service: TestDatabase;
  /** Makes what `sync` makes before the copy: ownership, fences, origins, publications. */
  prepare(): Promise<void>;
  as<T>(side: Side, role: Role, work: (client: pg.Client) => Promise<T>): Promise<T>;
}

/** The owner of the tables in both databases, and the application's own role. */
export const application = 'cdc_test_app';

/**
 * Makes both databases; `monolith` and `service` are SQL that the application's role runs. Beside other sides: another
 * extraction, `y`, of their monolith's database into a service of its own; the fences there stay theirs.
 */
export async function makeSides(input: {
  monolith: string | { readonly beside: Sides };
  service: string;
  tables: ExtractionInput['tables'];
  limits?: ExtractionInput['limits'];
  /** With it, Debezium is the engine. */
  grown?: NonNullable<ConfigInput['grown']>;
}): Promise<Sides> {
  const beside = typeof input.monolith === 'string' ? undefined : input.monolith.beside;
  const [monolith, service] = await Promise.all([
    typeof input.monolith === 'string'
      ? makeSide('monolith', input.monolith)
      : input.monolith.beside.monolith,
    makeSide('service', input.service),
  ]);
  // Slots and origins are the whole server's: each pair of databases has names of its own.
  const environment = beside?.config.environment ?? `t-${randomBytes(5).toString('hex')}`;
  const name = beside ? 'y' : 'x';
  const config = parseConfig(
    {
      environment,
      monolith: { url: 'http://127.0.0.1:1', database: monolith.url() },
      ...(input.grown ? { grown: input.grown } : {}),
      extractions: {
        [name]: {
          service: { url: 'http://127.0.0.1:2', database: service.url() },
          tables: input.tables,
          engine: input.grown ? 'debezium' : 'embedded',
          plainArrays: true,
          ...(input.limits ? { limits: input.limits } : {}),
        },
      },
    },
    'test',
  );
  const extraction = config.extractions[0];
  if (!extraction) throw new Error('the config has no extraction');
  const databases = { monolith, service };
  afterAll(async () => {
    for (const direction of ['forward', 'reverse'] as const) {
      await exclusively(targetOf[direction], async (client) =>
        client.query(
          'SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname = $1',
          [originName(environment, name, direction)],
        ),
      );
    }
  });
  const as = async <T>(side: Side, role: Role, work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = await connect({ url: databases[side].url(), role, name: 'test' });
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  for (const side of ['monolith', 'service'] as const) {
    const sql = setupSql(
      side,
      extraction.tables.map((each) => qualified(each[side])),
    );
    await exclusively(side, async () => await databases[side].query(sql));
    await as(side, 'admin', async (admin) => bindEnvironment(admin, config.environment, side));
  }
  return {
    config,
    extraction,
    monolith,
    service,
    as,
    prepare: async () => {
      for (const side of ['service', 'monolith'] as const) {
        await as(side, 'admin', async (admin) => {
          if (!beside || side === 'service') await fenceTables(admin, extraction, side);
          await prepareSide(admin, config, extraction, side);
        });
      }
    },
  };
}

async function makeSide(side: Side, sql: string): Promise<TestDatabase> {
  const template = await templateDatabase(side, 'cdc_ledger', async (database) => {
    await database.query(setupSql(side, []));
    await database.query(`
      DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${application}') THEN CREATE ROLE ${application} LOGIN; END IF;
      END $$`);
    await migrateUp(roleUrl(database.url(), 'admin'), side);
  });
  const database = await createDatabase(side, { template, owner: application });
  await database.query(`BEGIN; SET LOCAL ROLE ${application}; ${sql}; COMMIT`);
  return database;
}

/** Puts the fences before the tables, and their partitions. */
async function fenceTables(admin: pg.Client, extraction: Extraction, side: Side): Promise<void> {
  await createOwnership(admin, extraction.name, side);
  const { rows } = await admin.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, (SELECT lock_key FROM strangler.ownership)::text AS key
       FROM unnest($1::text[]) t
       CROSS JOIN LATERAL (SELECT t::regclass AS oid UNION SELECT relid FROM pg_partition_tree(t::regclass)) r
       JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace`,
    [extraction.tables.map((each) => qualified(each[side]))],
  );
  for (const { name, key } of rows) {
    await admin.query(
      `CREATE TRIGGER ${fenceTrigger} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${name}
         FOR EACH STATEMENT EXECUTE FUNCTION strangler.fence('${extraction.name}', '${key}');
       ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${fenceTrigger}`,
    );
  }
}

async function prepareSide(
  admin: pg.Client,
  config: Config,
  extraction: Extraction,
  side: Side,
): Promise<void> {
  await createOwnership(admin, extraction.name, side);
  const direction = side === 'service' ? 'forward' : 'reverse';
  await admin.query('SELECT pg_replication_origin_create($1)', [
    originName(config.environment, extraction.name, direction),
  ]);
  const tables = [...extraction.tables.map((each) => qualified(each[side])), 'strangler.ownership'];
  await admin.query(
    `CREATE PUBLICATION ${ident(publicationName(config.environment, extraction.name))}
       FOR TABLE ${tables.join(', ')} WITH (publish_via_partition_root = true)`,
  );
}
