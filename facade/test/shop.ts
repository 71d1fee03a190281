import { type Config, type ConfigInput, parseConfig } from '@strangler/config';
import { waitFor } from '@strangler/errors';
import { type Facade, type FacadeOptions, serveFacade } from '@strangler/facade';
import { pino } from 'pino';
import { afterAll } from 'vitest';
import { FlagServer } from './flag-server.ts';
import { environment, TestLedger } from './ledger.ts';
import { TestUpstream } from './upstream.ts';

type Limits = NonNullable<ConfigInput['extractions']>[string]['limits'];

/** A small shop: ledger, a monolith, a service, a flag server, and facades in front. */
export interface TestShop {
  readonly ledger: TestLedger;
  readonly monolith: TestUpstream;
  readonly service: TestUpstream;
  readonly flags: FlagServer;
  readonly config: Config;
  /** Starts a facade and waits until it is ready. */
  facade(options?: Partial<FacadeOptions>): Promise<TestFacade>;
}

export interface TestFacade extends Facade {
  readonly url: string;
  stop(): Promise<void>;
}

export async function openShop(limits: Limits = {}): Promise<TestShop> {
  const [ledger, monolith, service, flags] = await Promise.all([
    TestLedger.make(),
    TestUpstream.start('monolith'),
    TestUpstream.start('service'),
    FlagServer.start(),
  ]);
  const config = parseConfig(
    {
      environment,
      monolith: { url: monolith.url, database: ledger.databases.monolith.url() },
      flags: { unleash: flags.url, token: 'secret' },
      extractions: {
        orders: {
          service: { url: service.url, database: ledger.databases.service.url() },
          client: { jwt: 'sub', header: 'x-client' },
          routes: {
            create: 'POST /api/orders',
            get: 'GET /api/orders/:id',
            list: 'GET /api/orders',
            cancel: 'POST /api/orders/:id/cancel',
          },
          readers: ['GET /account', { match: 'GET /api/reports/sales', late: 'serve' }],
          tables: { orders: {} },
          limits: { late: '300ms', ownWrite: '100ms', ...limits },
        },
      },
      routes: { quote: { match: 'GET /api/shipping/quote', service: service.url } },
    },
    'test',
  );
  return { ledger, monolith, service, flags, config, facade: (options) => startFacade(config, options) };
}

export async function startFacade(config: Config, options: Partial<FacadeOptions> = {}): Promise<TestFacade> {
  const ended = new AbortController();
  const facade = await serveFacade({
    config,
    signal: ended.signal,
    log: pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
    port: 0,
    adminPort: 0,
    env: { STRANGLER_COOKIE_SECRET: 'a secret of the tests' },
    ...options,
  });
  const stop = async () => {
    ended.abort();
    await facade.stopped;
  };
  afterAll(stop);
  await waitFor(() => facade.isReady() || undefined, { timeoutMs: 5_000, what: 'the facade being ready' });
  return { ...facade, url: `http://127.0.0.1:${facade.port}`, stop };
}

/** What a client sees of an answer. */
export interface Answer {
  readonly status: number;
  readonly from: string | undefined;
  readonly target: string | null;
  readonly reason: string | null;
  readonly cookies: string[];
}

export async function ask(url: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url + path, { redirect: 'manual', ...init });
  const text = await response.text();
  const from = /"from":"(\w+)"/.exec(text)?.[1];
  const { headers, status } = response;
  return {
    status,
    from,
    target: headers.get('x-strangler-target'),
    reason: headers.get('x-strangler-reason'),
    cookies: headers.getSetCookie(),
  };
}

export const post = (body = '{}'): RequestInit => ({ method: 'POST', body, headers: { 'x-client': 'c1' } });
/** Asks until the answer is as wanted. */
export async function until<T>(
  probe: () => Promise<T>,
  wanted: (value: T) => boolean,
  what: string,
): Promise<T> {
  return await waitFor(
    async () => {
      const value = await probe();
      return wanted(value) ? value : undefined;
    },
    { timeoutMs: 5_000, what },
  );
}
