import { parseConfig } from '@strangler/config';
import { waitFor } from '@strangler/errors';
import { pino } from 'pino';
import { expect, test } from 'vitest';
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
  // Also while a poll is being tried again: nothing is thrown that nobody catches (the run would fail).
  flags.stop();
});
