import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '@strangler/cluster';
import { clusterUrl, createDatabase, exclusively, type TestDatabase } from '@strangler/cluster/testing';
import { waitFor } from '@strangler/errors';
import { launchProcess, repository, runCommand } from '@strangler/stack';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lastSeededOrder, openDatabases, readHoldings, readKeys, readOrders } from '../databases.ts';
import { Journal } from '../journal.ts';
import { conservation, judge } from '../judge.ts';
import { Crowd } from './crowd.ts';
import { Traffic } from './traffic.ts';

let database: TestDatabase;
let address: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  database = await createDatabase('monolith');
  const roles = await readFile(path.join(repository, 'legacy-monolith', 'roles.sql'), 'utf8');
  await exclusively('monolith', () => database.query(roles));
  const migrator = {
    MIGRATOR_DATABASE_URL: database.url('shop_migrator'),
    SEED_USERS: '100',
    SEED_ORDERS: '200',
  };
  for (const script of ['legacy-monolith/src/migrate.ts', 'legacy-monolith/src/seed.ts']) {
    const done = await runCommand({ script, env: migrator }, { timeoutMs: 60_000 });
    expect(done).toMatchObject({ exitCode: 0 });
  }
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  const env = {
    PORT: String(port),
    DATABASE_URL: database.url('shop_app'),
    INTERNAL_TOKEN: 'a token that nobody needs here',
    JWT_PRIVATE_KEY: generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
    LOG_LEVEL: 'warn',
  };
  const shop = await launchProcess(
    'monolith',
    { script: 'legacy-monolith/src/main.ts', env },
    { ready: { url: `${address}/ready` }, onLine: () => {}, signal: new AbortController().signal },
  );
  stop = () => shop.stop();
}, 90_000);

afterAll(() => stop?.());

test('shoppers at a shop without a facade find nothing to complain about, and the checks see what is taken away', async () => {
  const databases = openDatabases({
    monolith: clusterUrl('monolith', database.name, 'postgres'),
    service: database.url(),
  });
  const [before, seededUpTo] = [await readHoldings(databases), await lastSeededOrder(databases)];
  const [journal, traffic] = [new Journal(), new Traffic()];
  const crowd = new Crowd(address, journal, traffic);
  await crowd.arrive(60);
  crowd.start(100);
  await waitFor(() => (traffic.requests >= 600 ? true : undefined), {
    timeoutMs: 20_000,
    what: '600 requests',
  });
  await crowd.leave();
  expect(traffic.failures).toEqual([]);
  expect(traffic.stale).toEqual([]);
  expect(journal.placed.size).toBeGreaterThan(200);
  expect(journal.count('unknown')).toBe(0);

  const orders = await readOrders(databases, 'monolith', seededUpTo);
  const keys = await readKeys(databases, 'monolith', seededUpTo);
  expect(judge(journal, orders, keys)).toEqual({ lost: [], duplicated: [] });
  expect(conservation(before, await readHoldings(databases), orders)).toEqual([]);

  const [victim] = journal.placed.keys();
  await database.query('delete from shop.orders where id = $1', [victim]);
  const fewer = await readOrders(databases, 'monolith', seededUpTo);
  expect(judge(journal, fewer, keys).lost).toEqual([`order ${victim}: acknowledged, and not there`]);
  expect(conservation(before, await readHoldings(databases), fewer)).not.toEqual([]);
  await databases.end();
});
