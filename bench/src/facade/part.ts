import { copyTables, createReverse } from '@strangler/cdc';
import { flagName } from '@strangler/config';
import { StranglerError, waitFor } from '@strangler/errors';
import { setStage } from '@strangler/ledger';
import { z } from 'zod';
import { type Child, startChild } from '../child.ts';
import type { BenchOptions } from '../options.ts';
import type { PartReport } from '../report.ts';
import { inTurns, type Measured } from '../rounds.ts';
import { configInput, parsedInput, prepare, type Sides } from '../sides.ts';
import { startFlagServer } from './flag-server.ts';
import { loadResult } from './order.ts';

const extraction = 'items';
const tables = {
  monolith: 'CREATE TABLE bench.item (id bigint PRIMARY KEY, name text NOT NULL)',
  service: 'CREATE TABLE bench.item (id bigint PRIMARY KEY, name text NOT NULL)',
};
const cpu = 'CPU µs/request';
const bare = 'bare http-proxy-middleware';
const ours = {
  plain: { name: 'facade, default route', path: '/api/things/7', target: 'monolith' },
  read: { name: 'facade, flagged read', path: '/api/items/7', target: 'service' },
};

interface Processes {
  readonly bare: Child;
  readonly facade: Child;
  readonly load: Child;
  readonly ports: { readonly bare: number; readonly facade: number };
}

/** What our facade costs per request against the proxy it is made of: a default route, and a read that follows a flag. */
export async function benchFacade(
  sides: Sides,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<PartReport> {
  const { requests, connections } = options.sizes;
  await using started = new AsyncDisposableStack();
  const processes = await start(sides, options, started, signal);
  const contenders = [
    proxy(processes, options, { name: bare, which: 'bare', path: ours.read.path, target: '-' }),
    proxy(processes, options, { ...ours.plain, which: 'facade' }),
    proxy(processes, options, { ...ours.read, which: 'facade' }),
  ];
  // Nothing is measured until all are compiled and have their connections.
  for (const contender of contenders) await contender.measure(-1);
  const results = await inTurns(contenders, options.rounds, signal);
  const bar = { measure: cpu, theirs: bare, limit: 1.3, kind: 'at most' } as const;
  return {
    part: 'facade',
    what: `facade: ${requests} GETs of 1 KB a round over ${connections} connections, one process each for load, proxy and upstream`,
    contenders: results,
    bars: [
      { ...bar, what: ours.plain.name, ours: ours.plain.name },
      { ...bar, what: ours.read.name, ours: ours.read.name },
    ],
  };
}

async function start(
  sides: Sides,
  { profiles }: BenchOptions,
  started: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Processes> {
  const child = async (name: string, env: Record<string, string> = {}) => {
    const profile = { directory: profiles, name: `facade-${name}` };
    const one = await startChild(new URL(`./${name}.ts`, import.meta.url), { signal, env, profile });
    started.defer(() => one.stop());
    return one;
  };
  const flags = await startFlagServer(flagName(extraction, 'get'));
  started.defer(() => flags.stop());
  const upstream = await child('upstream');
  const urls = z
    .tuple([z.number(), z.number()])
    .transform((ports) => ports.map((port) => `http://127.0.0.1:${port}`));
  const [monolith = '', service = ''] = await upstream.call('listen', null, urls);
  const input = {
    ...configInput(
      sides,
      extraction,
      {
        client: { jwt: 'sub' },
        routes: { get: 'GET /api/items/:id' },
        tables: { 'bench.item': {} },
        // A stream that is late on a busy machine would send reads elsewhere than what is measured.
        limits: { lag: '1m' },
      },
      { monolith, service },
    ),
    flags: { unleash: flags.url, token: 'bench' },
  };
  await prepare(sides, input, tables);
  const { config, extraction: items } = parsedInput(input);
  await copyTables({ config, extraction: items, signal });
  await createReverse({ config, extraction: items, signal });
  await sides.as('monolith', 'operator', (sql) => setStage(sql, extraction, 'following', config.hash));
  const sink = await child('sink');
  await sink.call('follow', input, z.unknown());
  const [proxyBare, facade, load] = await Promise.all([
    child('bare'),
    child('ours', { STRANGLER_COOKIE_SECRET: 'a secret of the bench' }),
    child('load'),
  ]);
  const ports = {
    bare: await proxyBare.call('listen', { upstream: monolith }, z.number()),
    facade: await facade.call('listen', input, z.number()),
  };
  const processes = { bare: proxyBare, facade, load, ports };
  await waitFor(
    async () => {
      const order = { port: ports.facade, path: ours.read.path, requests: 1, connections: 1 };
      const { targets } = await load.call('run', order, loadResult);
      return targets[ours.read.target];
    },
    { timeoutMs: 15_000, what: 'reads by flag', signal },
  );
  return processes;
}

function proxy(
  { load, ports, ...children }: Processes,
  { sizes }: BenchOptions,
  of: { name: string; which: 'bare' | 'facade'; path: string; target: string },
): Measured {
  const { requests, connections } = sizes;
  const child = children[of.which];
  return {
    name: of.name,
    async measure() {
      const before = await child.call('cpu', null, z.number());
      const order = { port: ports[of.which], path: of.path, requests, connections };
      const { p50, p99, targets } = await load.call('run', order, loadResult);
      const used = (await child.call('cpu', null, z.number())) - before;
      // Otherwise something else was measured than what the table says.
      if ((targets[of.target] ?? 0) < requests) throw strayed(of.name, targets);
      return { [cpu]: used / requests, 'p50 ms': p50, 'p99 ms': p99 };
    },
  };
}

function strayed(name: string, targets: Record<string, number>): StranglerError {
  return new StranglerError(
    'COMPONENT_FAILED',
    `${name}: not all requests went where they should, but ${JSON.stringify(targets)}.`,
    'The stream fell behind its lag limit: run the bench on a machine that does nothing else.',
  );
}
