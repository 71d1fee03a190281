import { pino } from 'pino';
import { openDatabase } from './database.ts';
import type { ShopSettings } from './settings.ts';
import { createTokens } from './users/token.ts';
import { createApp } from './web/app.ts';
import { startServer } from './web/server.ts';

export interface Shop {
  port: number;
  /** Finishes what is in flight, within ten seconds, and lets go of the database. */
  stop(): Promise<void>;
}

const DRAIN_MS = 10_000;

/** Opens the shop. Logs go to stderr. */
export async function startShop(settings: ShopSettings): Promise<Shop> {
  const logger = pino({ level: settings.LOG_LEVEL }, pino.destination(2));
  const db = openDatabase(settings.DATABASE_URL, {
    poolMax: settings.POOL_MAX,
    applicationName: 'shop',
    statementTimeoutMs: 15_000,
  });
  let draining = false;
  const app = createApp({
    db,
    tokens: await createTokens(settings.JWT_PRIVATE_KEY),
    internalToken: settings.INTERNAL_TOKEN,
    logger,
    draining: () => draining,
  });
  const server = await startServer(app, settings.PORT, settings.HOST);
  return {
    port: server.port,
    async stop() {
      draining = true;
      await server.stop(DRAIN_MS);
      await db.destroy();
    },
  };
}
