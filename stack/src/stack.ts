import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Cluster, reachableDirectory, startCluster } from '@strangler/cluster';
import { lockData } from './data-lock.ts';
import {
  asDba,
  isPrepared,
  makeShopRoles,
  markPrepared,
  recreateDatabases,
  type SuperuserUrl,
  setPasswords,
} from './databases.ts';
import { type Environments, environments, type SeedSize } from './environments.ts';
import { installFlagServer } from './flag-server.ts';
import { kafkaParts } from './kafka.ts';
import type { Log } from './log.ts';
import { signInCustomers, writeOperatorEnvironment } from './operator.ts';
import { assertPortsFree, type Ports } from './ports.ts';
import { type Command, type Finished, launchProcess, type Ready, repository, runCommand } from './process.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { migrateShop, must, seedShop } from './shop.ts';
import { type Running, Supervised } from './supervise.ts';

/** The parts that run, in the order in which they start; they stop in the opposite order. */
export const parts = ['pg-mono', 'pg-svc', 'unleash', 'monolith', 'orders', 'cdc', 'facade'] as const;
/** What runs besides on the grown engine. */
export const grownParts = ['kafka', 'connect'] as const;
export type Part = (typeof parts)[number] | (typeof grownParts)[number];

export interface StackOptions {
  /** Made when it isn't there; the same directory starts again on the same data. */
  dataDir: string;
  ports: Ports;
  log: Log;
  /** How large the shop is, when its data is made. */
  seed?: SeedSize;
  /** The extraction's config; the repository's own unless another is named. */
  config?: string;
  /** The environment's name in the ledger; the config's own default unless another is named. */
  environment?: string;
  /** The streams go through Debezium and Kafka, which run as parts of the stack; needs Java. */
  grown?: boolean;
  /** A planted defect, handed on to every part: for the demo that shows that its checks see it. */
  bug?: string;
  /** A module that is loaded into a part before its own code. */
  preload?: Partial<Record<(typeof parts)[number], string>>;
  /** Settings of both PostgreSQL clusters, over our defaults. */
  settings?: Record<string, string>;
  /** Aborting it while the stack starts ends the start; later on, call `stop`. */
  signal?: AbortSignal;
}

/** The running stack. */
export interface Stack {
  readonly addresses: Record<'facade' | 'facadeAdmin' | 'monolith' | 'orders' | 'unleash', string>;
  /** Where Kafka (host:port) and Connect answer; undefined on the embedded engine. */
  readonly grown: { readonly kafka: string; readonly connect: string } | undefined;
  /** Connection strings as the applications' own roles, which can read their own tables. */
  readonly databases: Record<'monolith' | 'service', string>;
  /** The variables that the command `strangler`, and the nightly job, run with. */
  readonly env: { readonly operator: Record<string, string>; readonly nightly: Record<string, string> };
  pid(part: Part): number | undefined;
  restarts(part: Part): number;
  kill(part: Part, signal: NodeJS.Signals): void;
  /** Resolves as soon as the part is up. */
  ready(part: Part): Promise<void>;
  /** Runs the command `strangler` with the operator's environment. */
  strangler(
    args: string[],
    options?: { timeoutMs?: number; onLine?: (line: string) => void; signal?: AbortSignal },
  ): Promise<Finished>;
  /** Ends every part in order. Safe to call again. */
  stop(): Promise<void>;
}

/**
 * Brings up the shop, the service, the flag server, the facade and the streams on two PostgreSQL clusters, with
 * roles, ledger and flags made, and keeps them up.
 * @throws StranglerError PORT_TAKEN before anything starts, STACK_RUNNING, COMPONENT_FAILED, FLAG_SERVER_MISSING;
 *   JAVA_MISSING, MAVEN_MISSING, ARTIFACTS_FAILED on the grown engine
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const signal = options.signal ?? new AbortController().signal;
  await assertPortsFree(options.ports, options.grown ?? false);
  const unlock = await lockData(options.dataDir);
  const supervised = new Map<Part, Supervised>();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopAll(supervised, options.log).finally(unlock);
    return stopping;
  };
  try {
    // PostgreSQL's system user passes through here.
    await chmod(options.dataDir, 0o711);
    const secrets = await loadSecrets(options.dataDir);
    const env = environments(options.ports, secrets, {
      seed: options.seed ?? {},
      bug: options.bug,
      environment: options.environment,
      grown: options.grown ?? false,
    });
    await bringUp({ options, secrets, env, supervised, signal });
    return makeStack({ options, env, supervised, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Start {
  options: StackOptions;
  secrets: Secrets;
  env: Environments;
  supervised: Map<Part, Supervised>;
  signal: AbortSignal;
}

async function bringUp(start: Start): Promise<void> {
  const { options, secrets, env, signal } = start;
  const { log, ports, dataDir } = options;
  const flagServer = installFlagServer(log, signal);
  // Its failure is met where it is awaited.
  flagServer.catch(() => {});
  const kafka = startKafka(start);
  kafka.catch(() => {});
  const monolith = superuserUrl(ports.monolithPg, secrets);
  const service = superuserUrl(ports.servicePg, secrets);
  await Promise.all([
    startPart(start, 'pg-mono', postgres(start, 'pg-mono')),
    startPart(start, 'pg-svc', postgres(start, 'pg-svc')),
  ]);

  const fresh = !(await isPrepared(dataDir));
  if (fresh) await recreateDatabases(monolith, service);
  await makeShopRoles(monolith, service);
  await Promise.all([
    setPasswords(monolith('postgres'), secrets),
    setPasswords(service('postgres'), secrets),
  ]);
  const unleash = flagServer.then((script) =>
    startPart(
      start,
      'unleash',
      node(
        start,
        'unleash',
        { script, env: env.unleash, cwd: path.dirname(script) },
        { url: `http://127.0.0.1:${ports.unleash}/health` },
      ),
    ),
  );
  unleash.catch(() => {});
  await migrateShop(env, log, signal);
  if (fresh) {
    log('stack', 'Filling the shop with products, users and orders ...');
    await seedShop(env, log, signal);
    await markPrepared(dataDir);
  }
  const ready = (port: number) => ({ url: `http://127.0.0.1:${port}/ready` });
  await Promise.all([
    startPart(
      start,
      'monolith',
      node(
        start,
        'monolith',
        { script: 'legacy-monolith/src/main.ts', env: env.monolith },
        ready(ports.monolith),
      ),
    ),
    startPart(
      start,
      'orders',
      node(start, 'orders', { script: 'extracted/orders/src/main.ts', env: env.orders }, ready(ports.orders)),
    ),
    unleash,
    kafka,
  ]);
  const tokens = await signInCustomers(`http://127.0.0.1:${ports.monolith}`, signal);
  if (tokens.length > 0) env.operator['PARITY_TOKENS'] = tokens.join(',');
  await writeOperatorEnvironment(dataDir, env.operator);
  await setUp(start, monolith, service);
  await Promise.all([
    startPart(start, 'cdc', node(start, 'cdc', serve(start, 'cdc'), { line: saysReady })),
    startPart(start, 'facade', node(start, 'facade', serve(start, 'facade'), ready(ports.facadeAdmin))),
  ]);
}

/** Kafka and Connect, which nobody needs before the streams start. */
async function startKafka(start: Start): Promise<void> {
  const { options, secrets } = start;
  if (!options.grown) return;
  const launch = kafkaParts({ ...options, secrets });
  const until = (signal: AbortSignal) => AbortSignal.any([signal, start.signal]);
  await Promise.all([
    startPart(start, 'kafka', (signal) => launch.kafka(until(signal))),
    startPart(start, 'connect', (signal) => launch.connect(until(signal))),
  ]);
}

/** The toolkit's roles and grants, run as a DBA would run them, then its ledger and flags, by its own command. */
async function setUp(start: Start, monolith: SuperuserUrl, service: SuperuserUrl): Promise<void> {
  const { env, options, secrets, signal } = start;
  const sides = [
    ['monolith', monolith('shop'), monolith('postgres')],
    ['service', service('orders'), service('postgres')],
  ] as const;
  await Promise.all(
    sides.map(async ([side, database, maintenance]) => {
      const command = strangler(start.options, env, ['setup', '--sql', '--side', side]);
      const sql = await must('setup', command, options.log, signal);
      await asDba(database, `\`strangler setup --sql --side ${side}\``, sql);
      await setPasswords(maintenance, secrets);
    }),
  );
  await must('setup', strangler(start.options, env, ['setup']), options.log, signal);
}

function strangler(options: StackOptions, env: Environments, args: string[]): Command {
  return { script: 'cli/src/main.ts', args: [...args, '--config', configOf(options)], env: env.operator };
}

function serve(start: Start, part: 'cdc' | 'facade'): Command {
  return {
    script: 'cli/src/main.ts',
    args: ['serve', part, '--config', configOf(start.options)],
    env: start.env[part],
  };
}

function configOf(options: StackOptions): string {
  return options.config ?? path.join(repository, 'strangler.config.ts');
}

function saysReady(line: string): boolean {
  return line.startsWith('{') && line.includes('"ready":true');
}

async function startPart(
  start: Start,
  part: Part,
  launch: (signal: AbortSignal) => Promise<Running>,
): Promise<void> {
  start.signal.throwIfAborted();
  const supervised = new Supervised(part, launch, start.options.log);
  start.supervised.set(part, supervised);
  await supervised.start();
}

function node(
  start: Start,
  part: (typeof parts)[number],
  command: Command,
  ready: Ready,
): (signal: AbortSignal) => Promise<Running> {
  const onLine = (line: string) => start.options.log(part, line);
  const preload = start.options.preload?.[part];
  const loaded = preload === undefined ? command : { ...command, preload };
  return (signal) =>
    launchProcess(part, loaded, { ready, onLine, signal: AbortSignal.any([signal, start.signal]) });
}

function postgres(start: Start, part: 'pg-mono' | 'pg-svc'): (signal: AbortSignal) => Promise<Cluster> {
  const { options, secrets } = start;
  const port = part === 'pg-mono' ? options.ports.monolithPg : options.ports.servicePg;
  return async (signal) => {
    const dataDir = await reachableDirectory(path.join(options.dataDir, part));
    await mkdir(path.dirname(dataDir), { recursive: true });
    return startCluster({
      dataDir,
      port,
      password: secrets.POSTGRES_PASSWORD,
      onLog: (line) => options.log(part, line),
      signal,
      ...(options.settings ? { settings: options.settings } : {}),
    });
  };
}

function superuserUrl(port: number, secrets: Secrets): SuperuserUrl {
  return (database) => `postgresql://postgres:${secrets.POSTGRES_PASSWORD}@127.0.0.1:${port}/${database}`;
}

async function stopAll(supervised: Map<Part, Supervised>, log: Log): Promise<void> {
  // The clients of a server go before it.
  for (const group of [
    ['facade'],
    ['cdc', 'orders'],
    ['connect'],
    ['kafka', 'monolith', 'unleash'],
    ['pg-mono', 'pg-svc'],
  ] as const) {
    const stopped = await Promise.allSettled(group.map((part) => supervised.get(part)?.stop()));
    for (const result of stopped) if (result.status === 'rejected') log('stack', String(result.reason));
  }
}

function makeStack(of: {
  options: StackOptions;
  env: Environments;
  supervised: Map<Part, Supervised>;
  stop: () => Promise<void>;
}): Stack {
  const { options, env, supervised } = of;
  const address = (port: number) => `http://127.0.0.1:${port}`;
  return {
    addresses: {
      facade: address(options.ports.facade),
      facadeAdmin: address(options.ports.facadeAdmin),
      monolith: address(options.ports.monolith),
      orders: address(options.ports.orders),
      unleash: address(options.ports.unleash),
    },
    grown: options.grown
      ? { kafka: `127.0.0.1:${options.ports.kafka}`, connect: address(options.ports.connect) }
      : undefined,
    databases: { monolith: env.monolith['DATABASE_URL'] ?? '', service: env.orders['DATABASE_URL'] ?? '' },
    env: { operator: env.operator, nightly: env.nightly },
    pid: (part) => supervised.get(part)?.pid,
    restarts: (part) => supervised.get(part)?.restarts ?? 0,
    kill: (part, signal) => supervised.get(part)?.kill(signal),
    ready: (part) => supervised.get(part)?.ready() ?? Promise.reject(new Error(`no part ${part}`)),
    strangler: (args, run = {}) => runCommand(strangler(options, env, args), { timeoutMs: 300_000, ...run }),
    stop: of.stop,
  };
}
