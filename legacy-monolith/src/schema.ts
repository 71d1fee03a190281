import type { Knex } from 'knex';
import * as users from '../migrations/001_users.ts';
import * as catalog from '../migrations/002_catalog.ts';
import * as carts from '../migrations/003_carts.ts';
import * as inventory from '../migrations/004_inventory.ts';
import * as orders from '../migrations/005_orders.ts';
import * as payments from '../migrations/006_payments.ts';
import * as shipments from '../migrations/007_shipments.ts';
import * as grants from '../migrations/008_grants.ts';
import { type Db, rows } from './database.ts';

const MIGRATIONS: Record<string, Knex.Migration> = {
  '001_users': users,
  '002_catalog': catalog,
  '003_carts': carts,
  '004_inventory': inventory,
  '005_orders': orders,
  '006_payments': payments,
  '007_shipments': shipments,
  '008_grants': grants,
};

/**
 * Brings the schema up to date, as the role that owns it. Safe to run again.
 * @returns the names of the migrations that were run
 */
export async function migrateShop(db: Db): Promise<string[]> {
  const [found] = await rows(db, "select from pg_namespace where nspname = 'shop'");
  if (!found) await db.raw('create schema shop');
  const source: Knex.MigrationSource<string> = {
    getMigrations: async () => Object.keys(MIGRATIONS),
    getMigrationName: (name) => name,
    async getMigration(name) {
      const migration = MIGRATIONS[name];
      if (!migration) throw new Error(`no migration is called ${name}`);
      return migration;
    },
  };
  const [, names]: [number, string[]] = await db.migrate.latest({
    migrationSource: source,
    schemaName: 'shop',
    tableName: 'schema_migrations',
  });
  return names;
}
