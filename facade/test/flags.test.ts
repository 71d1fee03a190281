import { once } from 'node:events';
import { createServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { parseConfig } from '@strangler/config';
import { waitFor } from '@strangler/errors';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Flags, startFlags } from '../src/flags/flags.ts';
import { FlagServer } from './flag-server.ts';
import { environment } from './ledger.ts';

const log = pino({ level: 'silent' });
const configOf = (unleash: string) =>
  parseConfig(
    {
      environment,
      monolith: { url: 'http://m', database: 'postgresql://h/m' },
      flags: { unleash, token: 't' },
    },
    'x',
  );
const clients = Array.from({ length: 1_000 }, (_, n) => `jwt:${n}`);
const share = (flags: Flags) => clients.filter((client) => flags.isOn('f', client));
const reached = (flags: Flags, least: number, most = least) =>
  waitFor(() => (share(flags).length >= least && share(flags).length <= most ? share(flags) : undefined), {
    timeoutMs: 5_000,
    what: `between ${least} and ${most} clients`,
  });

test('raising a percentage never moves a client back, and routes of one extraction move together', async () => {
  const server = await FlagServer.start();
  server.flags.set('f', 5).set('g', 5);
  const flags = startFlags(configOf(server.url), log);
  const few = await reached(flags, 20, 90);
  expect(clients.filter((client) => flags.isOn('g', client))).toEqual(few);
  server.flags.set('f', 50);
  const half = await reached(flags, 400, 600);
  expect(few.filter((client) => !half.includes(client))).toEqual([]);
  server.flags.set('f', 100);
  await reached(flags, 1_000);
  flags.stop();
});

test('without the server every flag is off; when it goes, the last values stay; when it comes, they count', async () => {
  const first = await FlagServer.start();
  const { port } = first;
  await first.stop();
  const flags = startFlags(configOf(`http://127.0.0.1:${port}`), log);
  expect(share(flags)).toEqual([]);
  const server = await FlagServer.start(port);
  server.flags.set('f', 100);
  await waitFor(() => share(flags).length === 1_000 || undefined, {
    timeoutMs: 15_000,
    what: 'the flags coming',
  });
  server.status = 500;
  const { polls } = server;
  await waitFor(() => server.polls > polls || undefined, { timeoutMs: 5_000, what: 'a poll that fails' });
  expect(share(flags)).toHaveLength(1_000);
  await server.stop();
  expect(share(flags)).toHaveLength(1_000);
  flags.stop();
});

test('a poll that fails after the end throws nothing that nobody catches', async () => {
  const server = createServer();
  const asked = once(server, 'request');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const uncaught: unknown[] = [];
  const keep = (error: unknown) => uncaught.push(error);
  process.on('unhandledRejection', keep);
  const flags = startFlags(configOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), log);
  const [, answer] = z.tuple([z.unknown(), z.instanceof(ServerResponse)]).parse(await asked);
  flags.stop();
  const left = once(answer.req.socket, 'close');
  // A status that is neither tried again nor taken for a pause.
  answer.writeHead(418, { connection: 'close' }).end();
  await left;
  // The rejection is told once the client's own steps of this turn are through.
  await setImmediate();
  process.off('unhandledRejection', keep);
  server.close();
  expect(uncaught).toEqual([]);
});
