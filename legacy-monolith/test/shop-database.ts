import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDatabase, type TestDatabase, templateDatabase } from '@strangler/cluster/testing';

/** The small shop that tests start from. */
export const SIZE = { users: 20, products: 30, orders: 60 };

/** A database of the small seeded shop, made by the shop's own commands and cloned for the test file that asks. */
export async function shopDatabase(): Promise<TestDatabase> {
  const template = await templateDatabase('monolith', 'small_shop', async (database) => {
    await makeShop(database, SIZE);
  });
  return createDatabase('monolith', { template });
}

/** What a DBA and the migrator do, in a database that is empty. */
export async function makeShop(database: TestDatabase, size: typeof SIZE): Promise<void> {
  await database.query(await readFile(new URL('../roles.sql', import.meta.url), 'utf8'));
  const env = { MIGRATOR_DATABASE_URL: database.url('shop_migrator') };
  await runCommand('migrate.ts', env);
  await runCommand('seed.ts', {
    ...env,
    SEED_USERS: String(size.users),
    SEED_PRODUCTS: String(size.products),
    SEED_ORDERS: String(size.orders),
  });
}

export function commandPath(name: string): string {
  return fileURLToPath(new URL(`../src/${name}`, import.meta.url));
}

/** Runs one of the shop's commands. Rejects with its `code` and `stderr` when it fails. */
export function runCommand(
  name: string,
  env: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [commandPath(name)], { env, timeout: 60_000 });
}
