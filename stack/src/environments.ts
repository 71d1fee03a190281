import type { Ports } from './ports.ts';
import type { rolePasswords, Secrets } from './secrets.ts';

/** What each part sees of the environment: its own secrets, and nobody else's. */
export interface Environments {
  monolith: Record<string, string>;
  monolithMigrations: Record<string, string>;
  nightly: Record<string, string>;
  orders: Record<string, string>;
  ordersMigrations: Record<string, string>;
  unleash: Record<string, string>;
  facade: Record<string, string>;
  cdc: Record<string, string>;
  /** For the person at the command `strangler`. */
  operator: Record<string, string>;
}

export interface SeedSize {
  products?: number;
  users?: number;
  orders?: number;
}

const host = '127.0.0.1';

function databaseUrl(
  port: number,
  database: string,
  login?: { role: keyof typeof rolePasswords; password: string },
): string {
  return `postgresql://${login ? `${login.role}:${login.password}@` : ''}${host}:${port}/${database}`;
}

/** The environment of every part. `bug` plants one of the demo's known defects; `grown`: the streams go through Kafka. */
export function environments(
  ports: Ports,
  secrets: Secrets,
  options: { seed: SeedSize; bug: string | undefined; environment: string | undefined; grown: boolean },
): Environments {
  const planted: Record<string, string> = options.bug ? { STRANGLER_BUG: options.bug } : {};
  const monolithUrl = `http://${host}:${ports.monolith}`;
  const shop = (role: 'shop_app' | 'shop_migrator', password: string) =>
    databaseUrl(ports.monolithPg, 'shop', { role, password });
  const orders = (role: 'orders_app' | 'orders_migrator', password: string) =>
    databaseUrl(ports.servicePg, 'orders', { role, password });
  // What strangler.config.ts reads: addresses, and the token that reads flags.
  const config = {
    ...planted,
    ...(options.environment ? { STRANGLER_ENVIRONMENT: options.environment } : {}),
    MONOLITH_URL: monolithUrl,
    MONOLITH_DATABASE_URL: databaseUrl(ports.monolithPg, 'shop'),
    ORDERS_URL: `http://${host}:${ports.orders}`,
    ORDERS_DATABASE_URL: databaseUrl(ports.servicePg, 'orders'),
    UNLEASH_URL: `http://${host}:${ports.unleash}`,
    UNLEASH_TOKEN: secrets.UNLEASH_TOKEN,
    FACADE_URL: `http://${host}:${ports.facade}`,
    FACADE_PORT: String(ports.facade),
    FACADE_ADMIN_PORT: String(ports.facadeAdmin),
    ...(options.grown ? kafka(ports) : {}),
  };
  const sizes: Record<string, string> = Object.fromEntries(
    Object.entries(options.seed).map(([name, size]) => [`SEED_${name.toUpperCase()}`, String(size)]),
  );
  return {
    monolith: {
      ...planted,
      PORT: String(ports.monolith),
      DATABASE_URL: shop('shop_app', secrets.SHOP_APP_PASSWORD),
      JWT_PRIVATE_KEY: secrets.JWT_PRIVATE_KEY,
      INTERNAL_TOKEN: secrets.INTERNAL_TOKEN,
      LOG_LEVEL: 'warn',
      NODE_ENV: 'production',
    },
    monolithMigrations: {
      MIGRATOR_DATABASE_URL: shop('shop_migrator', secrets.SHOP_MIGRATOR_PASSWORD),
      ...sizes,
    },
    nightly: { DATABASE_URL: shop('shop_app', secrets.SHOP_APP_PASSWORD) },
    orders: {
      ...planted,
      PORT: String(ports.orders),
      DATABASE_URL: orders('orders_app', secrets.ORDERS_APP_PASSWORD),
      MONOLITH_URL: monolithUrl,
      JWKS_URL: `${monolithUrl}/.well-known/jwks.json`,
      INTERNAL_TOKEN: secrets.INTERNAL_TOKEN,
      LOG_LEVEL: 'warn',
      NODE_ENV: 'production',
    },
    ordersMigrations: { MIGRATOR_DATABASE_URL: orders('orders_migrator', secrets.ORDERS_MIGRATOR_PASSWORD) },
    unleash: unleash(ports, secrets),
    facade: {
      ...config,
      STRANGLER_FACADE_PASSWORD: secrets.STRANGLER_FACADE_PASSWORD,
      STRANGLER_COOKIE_SECRET: secrets.STRANGLER_COOKIE_SECRET,
      NODE_ENV: 'production',
    },
    cdc: {
      ...config,
      STRANGLER_SOURCE_PASSWORD: secrets.STRANGLER_SOURCE_PASSWORD,
      STRANGLER_APPLY_PASSWORD: secrets.STRANGLER_APPLY_PASSWORD,
      NODE_ENV: 'production',
    },
    operator: {
      ...config,
      STRANGLER_ADMIN_PASSWORD: secrets.STRANGLER_ADMIN_PASSWORD,
      STRANGLER_SOURCE_PASSWORD: secrets.STRANGLER_SOURCE_PASSWORD,
      STRANGLER_APPLY_PASSWORD: secrets.STRANGLER_APPLY_PASSWORD,
      STRANGLER_FACADE_PASSWORD: secrets.STRANGLER_FACADE_PASSWORD,
      STRANGLER_OPERATOR_PASSWORD: secrets.STRANGLER_OPERATOR_PASSWORD,
      UNLEASH_ADMIN_TOKEN: secrets.UNLEASH_ADMIN_TOKEN,
    },
  };
}

function kafka(ports: Ports): Record<string, string> {
  return {
    STRANGLER_ENGINE: 'debezium',
    KAFKA_BROKERS: `${host}:${ports.kafka}`,
    CONNECT_URL: `http://${host}:${ports.connect}`,
  };
}

function unleash(ports: Ports, secrets: Secrets): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl(ports.servicePg, 'unleash', {
      role: 'unleash',
      password: secrets.UNLEASH_DATABASE_PASSWORD,
    }),
    DATABASE_SSL: 'false',
    HTTP_HOST: host,
    HTTP_PORT: String(ports.unleash),
    // Neither the version check nor telemetry: it talks to nobody but us.
    CHECK_VERSION: 'false',
    SEND_TELEMETRY: 'false',
    LOG_LEVEL: 'warn',
    INIT_ADMIN_API_TOKENS: secrets.UNLEASH_ADMIN_TOKEN,
    INIT_BACKEND_API_TOKENS: secrets.UNLEASH_TOKEN,
    NODE_ENV: 'production',
    TZ: 'UTC',
  };
}
