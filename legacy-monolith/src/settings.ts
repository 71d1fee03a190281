import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);

const shopSettings = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(4000),
  DATABASE_URL: z.string().min(1),
  JWT_PRIVATE_KEY: z.string().min(1),
  INTERNAL_TOKEN: z.string().min(8),
  POOL_MAX: z.coerce.number().int().min(1).max(500).default(10),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

const count = z.coerce.number().int().min(1);

const seedSettings = z.object({
  MIGRATOR_DATABASE_URL: z.string().min(1),
  SEED_USERS: count.max(1_000_000).default(10_000),
  SEED_PRODUCTS: count.max(100_000).default(1_000),
  SEED_ORDERS: count.max(10_000_000).default(50_000),
});

const migrateSettings = z.object({ MIGRATOR_DATABASE_URL: z.string().min(1) });

const nightlySettings = z.object({ DATABASE_URL: z.string().min(1) });

type Environment = Record<string, string | undefined>;

export type ShopSettings = z.infer<typeof shopSettings>;
export type SeedSettings = z.infer<typeof seedSettings>;

/** What the shop's processes are told by their environment. Each throws an error that names the wrong variable. */
export const readShopSettings = (env: Environment): ShopSettings => read(shopSettings, env);
export const readSeedSettings = (env: Environment): SeedSettings => read(seedSettings, env);
export const readMigrateSettings = (env: Environment) => read(migrateSettings, env);
export const readNightlySettings = (env: Environment) => read(nightlySettings, env);

function read<T>(schema: z.ZodType<T>, env: Environment): T {
  const result = schema.safeParse(env);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`wrong environment: ${faults.join('; ')}`);
}
