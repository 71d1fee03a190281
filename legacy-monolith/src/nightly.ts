import { openDatabase } from './database.ts';
import { readNightlySettings } from './settings.ts';
import { shipPaidOrders } from './shipping/ship-paid-orders.ts';

// The nightly job: a process of its own, which writes orders without asking the shop's API.
const db = openDatabase(readNightlySettings(process.env).DATABASE_URL, {
  poolMax: 1,
  applicationName: 'shop nightly',
  statementTimeoutMs: 60_000,
});
try {
  process.stdout.write(`${JSON.stringify({ shipped: await shipPaidOrders(db) })}\n`);
} catch (error) {
  process.stderr.write(`nightly: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await db.destroy();
}
