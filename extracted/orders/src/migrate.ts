import { readEnvironment } from '@shop/service-kit';
import knex, { type Knex } from 'knex';
import { z } from 'zod';
import * as orders from '../migrations/001_orders.ts';

/** Every migration, in the order in which they run. A migration that has run is never edited or renamed. */
const migrations: Record<string, Knex.Migration> = { '001_orders': orders };

/** Brings the service's database to the newest schema and returns the names of the migrations that ran now. */
export async function migrate(migratorUrl: string): Promise<string[]> {
  const database = knex({
    client: 'pg',
    connection: migratorUrl,
    pool: {
      min: 0,
      max: 1,
      afterCreate(
        connection: { query(sql: string, done: (error: Error | null) => void): void },
        done: (error: Error | null) => void,
      ) {
        connection.query(
          'set role orders_owner; set search_path = pg_catalog; set lock_timeout = 5000',
          done,
        );
      },
    },
  });
  try {
    await database.raw('create schema if not exists orders');
    const [, ran]: [number, string[]] = await database.migrate.latest({
      schemaName: 'orders',
      tableName: 'schema_migration',
      migrationSource: {
        getMigrations: async () => Object.keys(migrations),
        getMigrationName: (name: string) => name,
        getMigration: async (name: string) => migrationNamed(name),
      },
    });
    return ran;
  } finally {
    await database.destroy();
  }
}

function migrationNamed(name: string): Knex.Migration {
  const migration = migrations[name];
  if (migration === undefined) throw new Error(`there is no migration ${name}`);
  return migration;
}

if (import.meta.main) {
  const { MIGRATOR_DATABASE_URL } = readEnvironment(
    z.object({ MIGRATOR_DATABASE_URL: z.string() }),
    process.env,
  );
  const migrated = await migrate(MIGRATOR_DATABASE_URL);
  process.stdout.write(`${JSON.stringify({ migrated })}\n`);
}
