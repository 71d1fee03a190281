import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { deadline, StranglerError, waitFor } from '@strangler/errors';
import { type Binaries, findBinaries } from './binaries.ts';
import { initialise } from './initialise.ts';
import { assertPortFree, freePort } from './port.ts';
import { clearLeftover, isAlive, readPostmaster } from './postmaster.ts';
import { reachableBinaries, type SystemUser, systemUser } from './system-user.ts';

export interface ClusterOptions {
  /** Made, and filled by initdb, when it isn't there. The same directory starts again on the same data. */
  dataDir: string;
  /** A free one when absent. */
  port?: number;
  /** Settings of postgresql.conf, over our defaults. */
  settings?: Record<string, string>;
  /** The superuser's password, fixed when the data directory is made. Without it every local connection is trusted. */
  password?: string;
  /** Each line of the server's log. */
  onLog?: (line: string) => void;
  /** Aborting it stops the server. */
  signal?: AbortSignal;
}

/** A PostgreSQL server of our own on 127.0.0.1. It ends when this process does, however this process ends. */
export interface Cluster {
  readonly port: number;
  readonly dataDir: string;
  /** Of the postmaster. */
  readonly pid: number;
  /** The exit code, or null after a signal; settles when the server is gone. */
  readonly exited: Promise<number | null>;
  /** A connection string, as the superuser `postgres` unless another user is named. */
  url(database?: string, user?: string): string;
  /** Ends it cleanly (fast shutdown), harder when that takes more than ten seconds. Safe to call again. */
  stop(): Promise<void>;
  /** Sends the postmaster a signal. */
  kill(signal: NodeJS.Signals): void;
}

const defaults: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_replication_slots: '64',
  max_wal_senders: '64',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '',
  log_checkpoints: 'off',
};

/**
 * The server as the child of a shell that holds our end of a pipe: when this process dies the pipe closes, and
 * the shell shuts the server down: fast at first, at once when a client holds that up.
 */
const watchdog = `exec 3<&0
"$@" </dev/null 3<&- &
pid=$!
( cat <&3 >/dev/null
  kill -INT $pid 2>/dev/null
  for tick in 1 2 3 4 5 6 7 8 9 10; do kill -0 $pid 2>/dev/null || exit 0; sleep 0.1; done
  kill -QUIT $pid 2>/dev/null ) >/dev/null 2>&1 &
exec 3<&-
wait $pid`;

/**
 * Starts a PostgreSQL server and waits until it takes connections.
 * @throws StranglerError PORT_TAKEN, POSTGRES_MISSING, POSTGRES_FAILED
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const signal = deadline(120_000, options.signal);
  if (options.port !== undefined) {
    await assertPortFree(options.port, 'PostgreSQL', 'Stop what listens there, or choose another port.');
  }
  const user = systemUser();
  const binaries = await reachableBinaries(await findBinaries(), user);
  await initialise(options.dataDir, { binaries, user, password: options.password, signal });
  await clearLeftover(options.dataDir, signal);
  if (options.port === undefined) return startOnFreePort(options, { binaries, user, signal });
  return launch(options, options.port, { binaries, user, signal });
}

interface Means {
  binaries: Binaries;
  user: SystemUser;
  signal: AbortSignal;
}

/** Somebody else may take the free port before the server does; then another one will do. */
async function startOnFreePort(options: ClusterOptions, means: Means): Promise<Cluster> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      return await launch(options, port, means);
    } catch (error) {
      if (attempt === 3 || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function launch(options: ClusterOptions, port: number, means: Means): Promise<Cluster> {
  const settings = { ...defaults, ...options.settings, port: String(port) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [means.binaries.postgres, '-D', options.dataDir, ...flags];
  const child = spawn('/bin/sh', ['-c', watchdog, 'sh', ...command], {
    ...means.user,
    cwd: options.dataDir,
    // A group of its own: Ctrl-C in a terminal is ours to hand on, in order.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const lastLines = collectLog(child, options.onLog);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    // A shell reports a child's death by a signal as 128 and more.
    child.once('exit', (code) => resolve(code !== null && code > 128 ? null : code));
  });
  void exited.then(() => child.stdin?.destroy());
  const pid = await waitUntilReady(child, options.dataDir, lastLines, means.signal);
  const cluster = makeCluster({ dataDir: options.dataDir, port, pid, exited, password: options.password });
  options.signal?.addEventListener('abort', () => void cluster.stop().catch(() => {}), { once: true });
  return cluster;
}

function collectLog(child: ChildProcess, onLog: ((line: string) => void) | undefined): string[] {
  const last: string[] = [];
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      last.push(line);
      if (last.length > 20) last.shift();
      onLog?.(line);
    });
  }
  // The pipe to a server that has just ended breaks; `exited` tells of that.
  child.stdin?.on('error', () => {});
  return last;
}

async function waitUntilReady(
  child: ChildProcess,
  dataDir: string,
  log: string[],
  signal: AbortSignal,
): Promise<number> {
  const failed = () =>
    new StranglerError(
      'POSTGRES_FAILED',
      `PostgreSQL on ${dataDir} did not start: ${log.join(' | ') || 'it said nothing'}`,
      'Its last words above name the cause.',
    );
  try {
    return await waitFor(
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) throw failed();
        const server = await readPostmaster(dataDir);
        return server?.ready ? server.pid : undefined;
      },
      { timeoutMs: 90_000, everyMs: 15, what: 'The start of PostgreSQL', signal, late: failed },
    );
  } catch (error) {
    child.stdin?.destroy();
    throw error;
  }
}

function makeCluster(of: {
  dataDir: string;
  port: number;
  pid: number;
  exited: Promise<number | null>;
  password: string | undefined;
}): Cluster {
  let stopping: Promise<void> | undefined;
  const kill = (signal: NodeJS.Signals) => {
    if (isAlive(of.pid)) process.kill(of.pid, signal);
  };
  const endsWithin = async (ms: number) => {
    const timer = Promise.withResolvers<boolean>();
    const limit = setTimeout(() => timer.resolve(false), ms);
    const ended = await Promise.race([of.exited.then(() => true), timer.promise]);
    clearTimeout(limit);
    return ended;
  };
  const stop = async () => {
    kill('SIGINT');
    if (await endsWithin(10_000)) return;
    kill('SIGQUIT');
    if (await endsWithin(10_000)) return;
    throw new StranglerError(
      'POSTGRES_FAILED',
      `PostgreSQL (process ${of.pid}) on ${of.dataDir} does not stop.`,
      `Look at what holds it, then kill -9 ${of.pid}.`,
    );
  };
  return {
    port: of.port,
    dataDir: of.dataDir,
    pid: of.pid,
    exited: of.exited,
    url(database = 'postgres', user = 'postgres') {
      const secret =
        user === 'postgres' && of.password !== undefined ? `:${encodeURIComponent(of.password)}` : '';
      return `postgresql://${encodeURIComponent(user)}${secret}@127.0.0.1:${of.port}/${encodeURIComponent(database)}`;
    },
    kill,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
