import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { TestDatabase } from '@strangler/cluster/testing';
import { afterAll } from 'vitest';
import { z } from 'zod';
import { commandPath } from './shop-database.ts';

export const INTERNAL_TOKEN = 'internal-test-token';

const startLine = z.object({ listening: z.number() });

export interface ShopProcess {
  url: string;
  child: ChildProcess;
  /** Resolves with the exit code. */
  exited: Promise<number | null>;
}

/**
 * Starts the shop as its users do, on a free port, and stops it after the file's tests.
 * @param atEnd where to leave the stop: vitest knows `afterAll` only at a file's top, `onTestFinished` only in a test
 */
export async function startShopProcess(
  database: TestDatabase,
  env: Record<string, string> = {},
  atEnd: (stop: () => Promise<void>) => void = afterAll,
): Promise<ShopProcess> {
  const child = spawn(process.execPath, [commandPath('main.ts')], {
    env: {
      PORT: '0',
      DATABASE_URL: database.url('shop_app'),
      JWT_PRIVATE_KEY: privateKey(),
      INTERNAL_TOKEN,
      LOG_LEVEL: 'fatal',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  atEnd(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { listening } = startLine.parse(JSON.parse(line));
    return { url: `http://127.0.0.1:${listening}`, child, exited };
  }
  throw new Error(`the shop ended with ${await exited} before it listened`);
}

export function privateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
