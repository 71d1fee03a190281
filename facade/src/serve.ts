import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '@strangler/config';
import { StranglerError } from '@strangler/errors';
import { removeFacade } from '@strangler/ledger';
import { SqlPool } from '@strangler/postgres';
import { createAdminServer } from './admin.ts';
import { Desk } from './desk.ts';
import { Upstream } from './exchange/upstream.ts';
import { startFlags } from './flags/flags.ts';
import type { Log } from './log.ts';
import { createMatch, routesOf } from './match/routes.ts';
import { createMetrics } from './metrics.ts';
import { plantedBug } from './planted-bug.ts';
import { Reception } from './reception.ts';
import { closeServer, createPublicServer, listenOn } from './server.ts';
import { TokenCookie } from './tokens/cookie.ts';
import { listen } from './view/listen.ts';

export interface FacadeOptions {
  readonly config: Config;
  /** Its abort makes the facade leave: it drains, and says so in the ledger. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** 0: any free port. */
  readonly port: number;
  readonly adminPort: number;
  readonly host?: string;
  /** Where STRANGLER_COOKIE_SECRET and STRANGLER_BUG come from. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A facade that listens. */
export interface Facade {
  /** Its name in the ledger. */
  readonly id: string;
  readonly port: number;
  readonly adminPort: number;
  readonly isReady: () => boolean;
  /** Settles once the signal was aborted and everything has ended. */
  readonly stopped: Promise<void>;
}

/**
 * Starts a facade. It listens at once, also while databases or the flag server are out of reach; it is ready when it
 * knows who owns each extraction.
 * @throws StranglerError ENV_MISSING without a secret, PORT_TAKEN, USAGE for a planted bug outside a demo.
 */
export async function serveFacade(options: FacadeOptions): Promise<Facade> {
  const { config, log, signal, host = '127.0.0.1', env = process.env } = options;
  const secret = secretOf(env);
  const bug = plantedBug(config, env['STRANGLER_BUG']);
  const id = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const ledgers = openLedgers({ id, config, secret, log });
  const upstreams = new Map<string, Upstream>();
  const upstreamOf = (url: string) => {
    const upstream = upstreams.get(url) ?? new Upstream(url);
    upstreams.set(url, upstream);
    return upstream;
  };
  const { desks } = ledgers;
  const metrics = createMetrics(desks);
  const flags = startFlags(config, log);
  const reception = new Reception({
    match: createMatch(routesOf(config)),
    desks,
    monolith: upstreamOf(config.monolith.url),
    upstreamOf,
    flags,
    tokenCookie: new TokenCookie(secret),
    bug,
    count: metrics.count,
  });
  const isReady = () => !reception.closing && [...desks.values()].every((desk) => desk.ready);
  const { server, drain } = createPublicServer(reception, log);
  const admin = createAdminServer({ isReady, metrics });
  const release = async () => {
    flags.stop();
    await ledgers.stop();
    for (const upstream of upstreams.values()) upstream.close();
    admin.closeAllConnections();
    await closeServer(admin);
  };
  ledgers.start();
  try {
    const port = await listenOn(server, options.port, host);
    const adminPort = await listenOn(admin, options.adminPort, host);
    log.info({ port, adminPort, id }, 'the facade listens');
    const stopped = aborted(signal).then(async () => {
      reception.closing = true;
      await drain();
      await release();
      log.info({ id }, 'the facade has left');
    });
    return { id, port, adminPort, isReady, stopped };
  } catch (error) {
    if (server.listening) await drain(0);
    await release();
    throw error;
  }
}

function secretOf(env: Readonly<Record<string, string | undefined>>): string {
  const secret = env['STRANGLER_COOKIE_SECRET'];
  if (secret !== undefined && secret.length >= 16) return secret;
  throw new StranglerError(
    'ENV_MISSING',
    'The facade needs STRANGLER_COOKIE_SECRET, of at least 16 characters.',
    'Set it, to the same value for all facades: openssl rand -hex 32.',
  );
}

/** One pool and one listening connection per database, one desk per extraction. */
function openLedgers(options: { id: string; config: Config; secret: string; log: Log }) {
  const { id, config, log } = options;
  const pools = new Map<string, SqlPool>();
  const poolOf = (url: string) => {
    const pool =
      pools.get(url) ??
      new SqlPool({ url, role: 'facade', name: 'facade', max: 6, settings: { statement_timeout: '2s' } });
    pools.set(url, pool);
    return pool;
  };
  const home = poolOf(config.monolith.database);
  const desks = new Map(
    config.extractions.map((extraction) => [
      extraction.name,
      new Desk({ ...options, extraction, home, service: poolOf(extraction.service.database) }),
    ]),
  );
  const ended = new AbortController();
  const listening: Promise<void>[] = [];
  return {
    desks,
    start() {
      for (const desk of desks.values()) desk.watch.start();
      if (desks.size === 0) return;
      for (const url of pools.keys()) {
        listening.push(
          listen({
            url,
            signal: ended.signal,
            onNotice: (notice, from) => desks.get(notice.extraction)?.watch.noticed(notice, from),
          }),
        );
      }
    },
    async stop() {
      await Promise.all([...desks.values()].map((desk) => desk.watch.stop()));
      if (desks.size > 0) {
        await removeFacade(home, id).catch((error: unknown) =>
          log.warn({ err: error }, 'the facade could not sign off'),
        );
      }
      ended.abort();
      await Promise.all(listening);
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
