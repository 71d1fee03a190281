import { openDatabase } from './database.ts';
import { migrateShop } from './schema.ts';
import { readMigrateSettings } from './settings.ts';

const db = openDatabase(readMigrateSettings(process.env).MIGRATOR_DATABASE_URL, {
  poolMax: 2,
  applicationName: 'shop migrate',
  role: 'shop_owner',
});
try {
  process.stdout.write(`${JSON.stringify({ migrated: await migrateShop(db) })}\n`);
} catch (error) {
  process.stderr.write(`migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await db.destroy();
}
