import type { Knex } from 'knex';
import knex from 'knex';
import * as ownership from './0001_ownership.ts';
import * as fence from './0002_fence.ts';
import * as transitions from './0003_transitions.ts';
import * as home from './0004_home.ts';
import * as giveUp from './0005_give_up.ts';
import * as engine from './0006_engine.ts';

export { setupSql } from './setup-sql.ts';

/** Which database the ledger is made in: the monolith's is the ledger's home and has more tables. */
export type LedgerSide = 'monolith' | 'service';

interface Migration {
  readonly name: string;
  readonly up: (db: Knex) => Promise<void>;
  readonly down: (db: Knex) => Promise<void>;
}

const both: Migration[] = [
  { name: '0001_ownership', ...ownership },
  { name: '0002_fence', ...fence },
  { name: '0003_transitions', ...transitions },
];

const last: Migration[] = [{ name: '0006_engine', ...engine }];

function migrationsOf(side: LedgerSide): Migration[] {
  return side === 'monolith'
    ? [...both, { name: '0004_home', ...home }, { name: '0005_give_up', ...giveUp }, ...last]
    : [...both, ...last];
}

/** Makes or updates the ledger. `url` connects as strangler_admin; everything made belongs to strangler_owner. */
export async function migrateUp(url: string, side: LedgerSide): Promise<void> {
  await withKnex(url, side, async (db) => await db.migrate.latest());
}

/** Takes the ledger away; the schema `strangler` stays, empty. */
export async function migrateDown(url: string, side: LedgerSide): Promise<void> {
  await withKnex(url, side, async (db) => {
    await db.migrate.rollback(undefined, true);
    await db.raw('DROP TABLE strangler.migration, strangler.migration_lock');
  });
}

async function withKnex(url: string, side: LedgerSide, work: (db: Knex) => Promise<unknown>): Promise<void> {
  const migrations = migrationsOf(side);
  const db = knex({
    client: 'pg',
    connection: { connectionString: url, application_name: 'strangler migrations' },
    pool: {
      min: 0,
      max: 1,
      afterCreate: (
        client: { query: (sql: string, done: (error: unknown) => void) => void },
        done: (error: unknown) => void,
      ) => client.query('SET search_path = pg_catalog, pg_temp; SET ROLE strangler_owner', done),
    },
    migrations: {
      schemaName: 'strangler',
      tableName: 'migration',
      migrationSource: {
        getMigrations: async () => migrations,
        getMigrationName: (migration: Migration) => migration.name,
        getMigration: async (migration: Migration) => migration,
      },
    },
  });
  try {
    await work(db);
  } finally {
    await db.destroy();
  }
}
