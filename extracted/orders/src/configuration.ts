import { port, positive, readEnvironment } from '@shop/service-kit';
import { z } from 'zod';

const settings = z.object({
  PORT: port,
  HOST: z.string().default('127.0.0.1'),
  /** The service's own database, as the role orders_app. */
  DATABASE_URL: z.string(),
  POOL_MAX: positive.default(10),
  /** Where the contexts that the service calls still live. */
  MONOLITH_URL: z.url(),
  JWKS_URL: z.url(),
  JWT_ISSUER: z.string().default('fig-and-sons'),
  INTERNAL_TOKEN: z.string(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** How long a write may work before it gives up, in milliseconds. */
  REQUEST_DEADLINE_MS: positive.default(12_000),
  /** How often the service looks for what a crash left behind, in milliseconds. */
  RECOVERY_INTERVAL_MS: positive.default(2_000),
  /** How long a saga is left to a process that gives no sign of life, in milliseconds. */
  SAGA_LEASE_MS: positive.default(5_000),
  /** How long requests in flight may take to finish on SIGTERM, in milliseconds. */
  DRAIN_MS: positive.default(10_000),
  /** Limits of one call to another context, in milliseconds. */
  CALL_TIMEOUT_MS: positive.default(5_000),
  BREAKER_RESET_MS: positive.default(30_000),
});

export type Configuration = z.output<typeof settings>;

/** The service's settings. Throws an `Error` that names each variable that is missing or wrong. */
export function readConfiguration(variables: Record<string, string | undefined>): Configuration {
  return readEnvironment(settings, variables);
}
