import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { type Cluster, startCluster } from '@strangler/cluster';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withSecrets } from '../compose/env.ts';
import { readCompose, readRepository } from './compose-file.ts';
import { ComposeRun } from './compose-run.ts';

/**
 * Every command of docker-compose.yml that is ours, on real PostgreSQL servers, in Compose's order, until each part
 * says that it is well. Kafka and Connect are not here: nothing follows yet. Neither is Unleash: a server answers that
 * has no flags and takes all.
 */
const variables = parseEnv(withSecrets(readRepository('.env.example')));
const compose = readCompose();
let home: string;
let monolith: Cluster | undefined;
let service: Cluster | undefined;
let run: ComposeRun | undefined;

const flagServer = createServer((request, response) => {
  request.resume();
  const asked = request.url?.startsWith('/api/client/features');
  response
    .writeHead(asked ? 200 : request.method === 'GET' ? 404 : 201, { 'content-type': 'application/json' })
    .end(asked ? '{"version":2,"features":[]}' : '{}');
});

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'strangler-compose-'));
  // PostgreSQL runs as another user when we are root.
  await chmod(home, 0o755);
  const start = (name: string) =>
    startCluster({
      dataDir: path.join(home, name),
      password: variables['POSTGRES_PASSWORD'] ?? '',
      settings: { fsync: 'off' },
    });
  [monolith, service] = await Promise.all([start('monolith-db'), start('orders-db')]);
  // The image of PostgreSQL makes the database that POSTGRES_DB names.
  await asSuperuser(monolith, 'create database shop');
  await asSuperuser(service, 'create database orders');
  await asSuperuser(service, 'create database unleash');
  await new Promise<void>((resolve) => flagServer.listen(0, '127.0.0.1', resolve));
  run = new ComposeRun({
    compose,
    variables,
    home,
    elsewhere: {
      'monolith-db:5432': `127.0.0.1:${monolith.port}`,
      'orders-db:5432': `127.0.0.1:${service.port}`,
      'unleash-db:5432': `127.0.0.1:${service.port}`,
      'unleash:4242': `127.0.0.1:${(flagServer.address() as AddressInfo).port}`,
    },
  });
});

afterAll(async () => {
  await run?.end();
  flagServer.closeAllConnections();
  flagServer.close();
  await Promise.all([monolith?.stop(), service?.stop()]);
  await rm(home, { recursive: true, force: true });
});

async function asSuperuser(cluster: Cluster, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: cluster.url() });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function running(): ComposeRun {
  if (!run) throw new Error('nothing was started');
  return run;
}

test('each command starts, in the order of Compose, and is well; a second `up` finds everything done', async () => {
  expect(running().names).toHaveLength(11);
  await running().up();

  const facade = await running().address('facade-2', 8080);
  const response = await fetch(`http://${facade}/api/products?limit=1`);
  expect([response.status, response.headers.get('x-strangler-target')]).toEqual([200, 'monolith']);

  const help = await running().run('strangler');
  expect(help).toContain('Exit codes: 0 done');
  const status = await running().run('strangler', ['status', 'orders', '--json']);
  expect(status).toContain('"stage":"planned"');

  for (const cluster of [monolith, service]) {
    if (!cluster) throw new Error('a server is missing');
    expect(
      await asSuperuser(
        cluster,
        `select distinct usename from pg_stat_activity where backend_type = 'client backend'
           and usename in (select rolname from pg_roles where rolsuper) and pid <> pg_backend_pid()`,
      ),
    ).toEqual([]);
  }

  await running().up();
  const codes = await running().down();
  expect(codes).toEqual({ monolith: 0, orders: 0, 'facade-1': 0, 'facade-2': 0, 'cdc-1': 0, 'cdc-2': 0 });
}, 60_000);
