import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '@strangler/errors';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts, type Ports } from './ports.ts';
import { repository } from './process.ts';
import { parts, type Stack, startStack } from './stack.ts';

let dataDir: string;
let ports: Ports;
let stack: Stack | undefined;
const lines: string[] = [];

const start = () =>
  startStack({
    dataDir,
    ports,
    environment: 'demo-test',
    seed: { users: 50, orders: 100 },
    log: (part, line) => void lines.push(`${part} ${line}`),
  });

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'strangler-stack-'));
  ports = await freePorts();
  stack = await start();
}, 180_000);

afterAll(async () => {
  await stack?.stop();
  await rm(dataDir, { recursive: true, force: true });
}, 60_000);

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function running(): Stack {
  if (stack === undefined) throw new Error('the stack is not up');
  return stack;
}

test('the shop answers through the facade, from the monolith, and every extraction is planned', async () => {
  const { facade } = running().addresses;
  const response = await fetch(`${facade}/api/products?limit=1`);
  expect(response.status).toBe(200);
  expect(response.headers.get('x-strangler-target')).toBe('monolith');
  const status = await running().strangler(['status', 'orders', '--json']);
  expect(status.exitCode).toBe(0);
  expect(status.stdout).toContain('"stage":"planned"');
});

test('no process of the stack is a superuser in a database', async () => {
  const { monolith, service } = running().databases;
  const sql = `select count(*)::int as superusers from pg_stat_activity
    where usename in (select rolname from pg_roles where rolsuper) and backend_type = 'client backend'`;
  expect(await ask(monolith, sql)).toEqual([{ superusers: 0 }]);
  expect(await ask(service, sql)).toEqual([{ superusers: 0 }]);
});

test.each(parts)(
  '%s is started again after kill -9',
  async (part) => {
    const before = running().pid(part);
    running().kill(part, 'SIGKILL');
    await waitFor(() => (running().pid(part) !== before ? true : undefined), {
      timeoutMs: 5_000,
      what: 'Its end',
    });
    await running().ready(part);
    expect(running().pid(part)).not.toBe(before);
    await waitFor(
      async () => {
        const answer = await fetch(`${running().addresses.facade}/api/products?limit=1`).catch(
          () => undefined,
        );
        return answer?.status === 200 ? true : undefined;
      },
      { timeoutMs: 20_000, everyMs: 100, what: 'An answer of the shop' },
    );
  },
  60_000,
);

test('a second stack on the same data is refused', async () => {
  await expect(startStack({ dataDir, ports: await freePorts(), log: () => {} })).rejects.toMatchObject({
    code: 'STACK_RUNNING',
    exitCode: 4,
  });
});

test('Ctrl-C stops `npm start` cleanly, and it starts again on the same data', async () => {
  await ask(running().databases.monolith, `update shop.products set name = 'kept' where id = 1`);
  await running().stop();
  stack = undefined;
  const env = {
    ...process.env,
    STRANGLER_DATA: dataDir,
    STRANGLER_ENVIRONMENT: 'demo-test',
    FACADE_PORT: String(ports.facade),
    FACADE_ADMIN_PORT: String(ports.facadeAdmin),
    MONOLITH_PORT: String(ports.monolith),
    ORDERS_PORT: String(ports.orders),
    UNLEASH_PORT: String(ports.unleash),
    MONOLITH_PG_PORT: String(ports.monolithPg),
    SERVICE_PG_PORT: String(ports.servicePg),
  };
  const child = spawn(process.execPath, ['stack/src/main.ts'], {
    cwd: repository,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
  const exited = once(child, 'exit');
  await waitFor(
    () =>
      said.some((line) => line.includes('Ctrl-C stops')) ? true : child.exitCode !== null ? true : undefined,
    {
      timeoutMs: 60_000,
      what: 'The start',
    },
  );
  expect(said.join('\n')).toContain(`http://127.0.0.1:${ports.facade}`);
  const products = await fetch(`http://127.0.0.1:${ports.facade}/api/products?limit=1`);
  expect(await products.text()).toContain('"kept"');
  child.kill('SIGINT');
  expect(await exited).toEqual([0, null]);
  await expect(fetch(`http://127.0.0.1:${ports.facade}`)).rejects.toThrow();
  expect(said.at(-1)).toContain('Stopped');
}, 120_000);
