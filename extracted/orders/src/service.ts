import { randomUUID } from 'node:crypto';
import {
  createOwnershipCheck,
  createPool,
  createRemote,
  createTokenVerifier,
  type Logger,
  type Service,
  startServer,
} from '@shop/service-kit';
import { createApp } from './app.ts';
import type { Configuration } from './configuration.ts';
import { createContexts } from './contexts.ts';
import type { Orders } from './orders.ts';
import { startRecovery } from './recovery.ts';

/** Starts the whole service in this process. `stop` drains requests, then recovery, then the pool. */
export async function startOrders(configuration: Configuration, logger: Logger): Promise<Service> {
  const pool = createPool({
    url: configuration.DATABASE_URL,
    max: configuration.POOL_MAX,
    name: 'orders',
    logger,
  });
  const remote = (name: string) =>
    createRemote({
      name,
      url: configuration.MONOLITH_URL,
      token: configuration.INTERNAL_TOKEN,
      timeoutMs: configuration.CALL_TIMEOUT_MS,
      resetMs: configuration.BREAKER_RESET_MS,
      logger,
    });
  const inventory = remote('inventory');
  const payments = remote('payments');
  const verifier = createTokenVerifier({
    jwksUrl: configuration.JWKS_URL,
    issuer: configuration.JWT_ISSUER,
    logger,
  });
  const orders: Orders = {
    pool,
    contexts: createContexts(inventory, payments),
    owns: createOwnershipCheck(pool, 'orders'),
    holder: { id: randomUUID(), leaseMs: configuration.SAGA_LEASE_MS, working: new Set() },
    logger,
  };
  const server = await startServer({
    handler: createApp({ orders, verifier, deadlineMs: configuration.REQUEST_DEADLINE_MS }),
    port: configuration.PORT,
    host: configuration.HOST,
    drainMs: configuration.DRAIN_MS,
    logger,
  });
  const recovery = startRecovery(orders, configuration.RECOVERY_INTERVAL_MS);
  return {
    port: server.port,
    async stop() {
      await server.stop();
      await recovery.stop();
      verifier.stop();
      inventory.stop();
      payments.stop();
      await pool.end();
    },
  };
}
