import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDatabase, type TestDatabase, templateDatabase } from '@strangler/cluster/testing';
import { z } from 'zod';
import { SEEDED } from '../src/shop/journeys.ts';

export const INTERNAL_TOKEN = 'internal-test-token';

const shop = new URL('../../legacy-monolith/', import.meta.url);
const command = (name: string): string => fileURLToPath(new URL(`src/${name}`, shop));

export interface Monolith {
  url: string;
  database: TestDatabase;
  stop(): Promise<void>;
}

/** A shop seeded for a recording, running as its own process from its own commands. */
export async function startMonolith(): Promise<Monolith> {
  const template = await templateDatabase('monolith', 'parity_shop', async (empty) => {
    await empty.query(await readFile(new URL('roles.sql', shop), 'utf8'));
    const env = {
      MIGRATOR_DATABASE_URL: empty.url('shop_migrator'),
      SEED_USERS: String(SEEDED.users),
      SEED_ORDERS: String(SEEDED.orders),
      SEED_PRODUCTS: String(SEEDED.products),
    };
    const run = promisify(execFile);
    await run(process.execPath, [command('migrate.ts')], { env, timeout: 60_000 });
    await run(process.execPath, [command('seed.ts')], { env, timeout: 60_000 });
  });
  const database = await createDatabase('monolith', { template });
  return { database, ...(await startProcess(database)) };
}

async function startProcess(database: TestDatabase): Promise<Pick<Monolith, 'url' | 'stop'>> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const child = spawn(process.execPath, [command('main.ts')], {
    env: {
      PORT: '0',
      DATABASE_URL: database.url('shop_app'),
      JWT_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      INTERNAL_TOKEN,
      LOG_LEVEL: 'fatal',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = (): Promise<void> => {
    child.kill('SIGKILL');
    return exited;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const { listening } = z.object({ listening: z.number() }).parse(JSON.parse(line));
    return { url: `http://127.0.0.1:${listening}`, stop };
  }
  throw new Error('the shop ended before it listened');
}
