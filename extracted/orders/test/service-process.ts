import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { INTERNAL_TOKEN } from './stand-in-monolith.ts';

export interface ServiceProcess {
  url: string;
  pid: number;
  /** Ends it as a crash would and waits until it is gone. */
  crash(): Promise<void>;
  /** Ends it as an operator would; resolves with its exit code. */
  stop(): Promise<number | null>;
  request(path: string, options?: RequestOptions): Promise<ServiceAnswer>;
}

export interface RequestOptions {
  method?: string;
  token?: string;
  key?: string;
  body?: unknown;
}

export interface ServiceAnswer {
  status: number;
  headers: Headers;
  text: string;
  json: unknown;
}

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const listening = z.object({ listening: z.number() });

/** Starts the orders service by its own command, with short times so that a test need not wait for recovery. */
export async function startServiceProcess(
  databaseUrl: string,
  monolithUrl: string,
  settings: Record<string, string> = {},
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: databaseUrl,
      MONOLITH_URL: monolithUrl,
      JWKS_URL: `${monolithUrl}/.well-known/jwks.json`,
      INTERNAL_TOKEN,
      LOG_LEVEL: 'silent',
      RECOVERY_INTERVAL_MS: '50',
      SAGA_LEASE_MS: '3000',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = `http://127.0.0.1:${await portOf(child)}`;
  const exit = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  };
  return {
    url,
    pid: child.pid ?? 0,
    crash: async () => {
      await exit('SIGKILL');
    },
    stop: () => exit('SIGTERM'),
    request: (path, options) => send(url, path, options),
  };
}

/** One request, its answer read to the end. */
export async function send(url: string, path: string, options: RequestOptions = {}): Promise<ServiceAnswer> {
  const headers: Record<string, string> = {};
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
  if (options.key !== undefined) headers['idempotency-key'] = options.key;
  const response = await fetch(new URL(path, url), {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text === '' ? null : JSON.parse(text),
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  const early = once(child, 'exit').then(([code]) => {
    throw new Error(`the service ended with ${code} before it listened`);
  });
  const [line]: unknown[] = await Promise.race([once(lines, 'line'), early]);
  early.catch(() => undefined);
  return listening.parse(JSON.parse(String(line))).listening;
}
