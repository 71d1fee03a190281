import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { freePorts, portsFromEnvironment } from './ports.ts';
import { loadSecrets } from './secrets.ts';
import { startStack } from './stack.ts';

test('ports come from the environment, with the documented defaults', () => {
  expect(portsFromEnvironment({ FACADE_PORT: '18080' })).toEqual({
    facade: 18_080,
    facadeAdmin: 9_080,
    monolith: 4_000,
    orders: 4_101,
    unleash: 4_242,
    monolithPg: 5_433,
    servicePg: 5_434,
    kafka: 9_092,
    kafkaController: 9_093,
    connect: 8_083,
  });
  expect(() => portsFromEnvironment({ ORDERS_PORT: 'forty' })).toThrow('ORDERS_PORT is "forty".');
});

test('a taken port is named with its variable before anything starts', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'strangler-ports-'));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const taken = typeof address === 'object' && address ? address.port : 0;
  const ports = { ...(await freePorts()), orders: taken };
  await expect(startStack({ dataDir, ports, log: () => {} })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    fact: `Port ${taken} (the orders service) is in use.`,
    remedy: 'Stop what listens there, or set ORDERS_PORT to another port.',
    exitCode: 3,
  });
  expect(await readdir(dataDir)).toEqual([]);
  server.close();
  await rm(dataDir, { recursive: true });
});

test('secrets are made once and readable by their owner only', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'strangler-secrets-'));
  const first = await loadSecrets(dataDir);
  expect(await loadSecrets(dataDir)).toEqual(first);
  expect((await stat(path.join(dataDir, 'secrets.env'))).mode & 0o777).toBe(0o600);
  expect(first.JWT_PRIVATE_KEY).toContain('-----BEGIN PRIVATE KEY-----\n');
  expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length);
  await rm(dataDir, { recursive: true });
});
