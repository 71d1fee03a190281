import { openDatabase } from './database.ts';
import { seedShop } from './seed/seed-shop.ts';
import { readSeedSettings } from './settings.ts';

const settings = readSeedSettings(process.env);
const db = openDatabase(settings.MIGRATOR_DATABASE_URL, {
  poolMax: 1,
  applicationName: 'shop seed',
  role: 'shop_owner',
});
const size = { users: settings.SEED_USERS, products: settings.SEED_PRODUCTS, orders: settings.SEED_ORDERS };
try {
  process.stdout.write(`${JSON.stringify({ seeded: await seedShop(db, size), ...size })}\n`);
} catch (error) {
  process.stderr.write(`seed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await db.destroy();
}
