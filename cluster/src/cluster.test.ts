import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '@strangler/errors';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cluster, startCluster } from './cluster.ts';
import { isAlive } from './postmaster.ts';

let home: string;
const started: Cluster[] = [];

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'strangler-cluster-test-'));
  await chmod(home, 0o755);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((cluster) => cluster.stop()));
  await rm(home, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startCluster>[0]> = {}): Promise<Cluster> {
  const cluster = await startCluster({
    dataDir: path.join(home, 'data'),
    settings: { fsync: 'off' },
    ...options,
  });
  started.push(cluster);
  return cluster;
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('starts a server that can decode its log logically, in UTF-8 and a locale that sorts by code point', async () => {
  const cluster = await start();
  const rows = await ask(
    cluster.url(),
    `select current_setting('wal_level') as wal, current_setting('server_encoding') as encoding,
      datlocale as locale, 'a' < 'B' collate "default" as dictionary from pg_database where datname = 'postgres'`,
  );
  expect(rows).toEqual([{ wal: 'logical', encoding: 'UTF8', locale: 'C.UTF-8', dictionary: false }]);
});

test('stops cleanly and starts again on the same data', async () => {
  const first = await start();
  await ask(first.url(), 'create table kept as select 42 as answer');
  await first.stop();
  expect(await first.exited).toBe(0);
  expect(isAlive(first.pid)).toBe(false);
  const second = await start();
  expect(await ask(second.url(), 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('starts again on the same data after kill -9', async () => {
  const first = await start({ settings: { fsync: 'on' } });
  await ask(first.url(), 'create table kept as select 42 as answer');
  first.kill('SIGKILL');
  expect(await first.exited).toBe(null);
  const second = await start();
  expect(await ask(second.url(), 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('stops within its bound although a client holds a transaction open', async () => {
  const cluster = await start();
  const client = new pg.Client({ connectionString: cluster.url() });
  client.on('error', () => {});
  await client.connect();
  await client.query('begin; select 1');
  await cluster.stop();
  expect(isAlive(cluster.pid)).toBe(false);
  await client.end().catch(() => {});
});

test('an aborted signal stops the server', async () => {
  const controller = new AbortController();
  const cluster = await start({ signal: controller.signal });
  controller.abort();
  expect(await cluster.exited).toBe(0);
});

test('names a taken port and what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await expect(start({ port })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    fact: `Port ${port} (PostgreSQL) is in use.`,
  });
  server.close();
});

test('a setting that the server refuses is named in the error', async () => {
  await expect(start({ settings: { wal_level: 'nonsense' } })).rejects.toMatchObject({
    code: 'POSTGRES_FAILED',
    fact: expect.stringContaining('wal_level'),
  });
});

test('with a password no connection is trusted', async () => {
  const cluster = await start({ password: 'it is: 100%' });
  expect(await ask(cluster.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
  const without = `postgresql://postgres:wrong@127.0.0.1:${cluster.port}/postgres`;
  await expect(ask(without, 'select 1')).rejects.toMatchObject({ code: '28P01' });
});

test('kill -9 of the process that started it takes the server down within two seconds', async () => {
  const script = `
    const { startCluster } = await import(${JSON.stringify(path.join(import.meta.dirname, 'index.ts'))});
    const cluster = await startCluster({ dataDir: ${JSON.stringify(path.join(home, 'data'))} });
    console.log(JSON.stringify({ pid: cluster.pid, url: cluster.url() }));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const { pid, url } = JSON.parse(line) as { pid: number; url: string };
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  parent.kill('SIGKILL');
  await waitFor(() => (isAlive(pid) ? undefined : true), { timeoutMs: 2_000, what: 'The end of the server' });
  await client.end().catch(() => {});
  // The next start finds nothing in its way.
  const again = await start();
  expect(await ask(again.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await readdir(path.join(home, 'data'))).toContain('PG_VERSION');
});
