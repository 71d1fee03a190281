import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@strangler/cluster';
import { deadline, pause, StranglerError, waitFor } from '@strangler/errors';
import { fetchArtifacts, findJava } from './artifacts.ts';
import { launchJvm, partFailed } from './jvm.ts';
import { brokerSettings, connectSettings, type GrownPorts, properties } from './settings.ts';

export interface GrownOptions {
  /** Data, logs and fetched artifacts; the same folder starts again on the same data. */
  readonly dataDir: string;
  /** Where artifacts are kept, if they are shared between data folders. */
  readonly artifactsDir?: string;
  readonly ports?: GrownPorts;
  /** How many brokers; two are for tests of failures. */
  readonly brokers?: 1 | 2;
  /** The environment of Connect: the secrets that connectors name. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLog: (line: string) => void;
  readonly signal: AbortSignal;
  /** False: the parts live on when we end (`npm run kafka:up`). */
  readonly tethered?: boolean;
}

export type GrownPart = 'broker1' | 'broker2' | 'connect';

/** Kafka and Connect as processes of this machine. */
export interface Grown {
  readonly ports: GrownPorts;
  /** For clients: every broker, as host:port. */
  readonly brokers: readonly string[];
  readonly connectUrl: string;
  /** The process of a part; its group has the same number. */
  pid(part: GrownPart): number | undefined;
  kill(part: GrownPart, signal: NodeJS.Signals): void;
  /** Settles when the part's present process has ended, with its exit code, or null after a signal. */
  exited(part: GrownPart): Promise<number | null>;
  /** Starts a part again that was killed, on its data, and waits until it is ready. */
  restart(part: GrownPart): Promise<void>;
  /** Ends one part, or all of them, Connect first. */
  stop(part?: GrownPart): Promise<void>;
}

const startMs = 180_000;
/** The same file as in the containers of docker-compose.yml. */
const log4j = fileURLToPath(new URL('../../cdc/debezium/conf/log4j2.xml', import.meta.url));

interface Context {
  readonly options: GrownOptions;
  readonly ports: GrownPorts;
  readonly java: string;
  readonly lib: string;
  readonly children: Map<GrownPart, ChildProcess>;
}

/**
 * Starts the brokers and Connect and waits until they answer.
 * @throws StranglerError JAVA_MISSING, MAVEN_MISSING, ARTIFACTS_FAILED, COMPONENT_FAILED
 */
export async function startGrown(options: GrownOptions): Promise<Grown> {
  const { dataDir, onLog } = options;
  const signal = deadline(startMs + 600_000, options.signal);
  await mkdir(path.join(dataDir, 'conf'), { recursive: true });
  const java = await findJava();
  const lib = await fetchArtifacts(options.artifactsDir ?? dataDir, onLog, signal);
  const ports = options.ports ?? (await freeGrownPorts(options.brokers ?? 1));
  const context: Context = { options, ports, java, lib, children: new Map() };
  try {
    for (const number of ports.brokers.keys()) {
      onLog(`Starting Kafka broker ${number + 1} ...`);
      await startPart(context, number === 0 ? 'broker1' : 'broker2', signal);
    }
    onLog('Starting Kafka Connect with Debezium ...');
    await startPart(context, 'connect', signal);
  } catch (error) {
    await stopAll(context);
    throw error;
  }
  return {
    ports,
    brokers: ports.brokers.map((port) => `127.0.0.1:${port}`),
    connectUrl: `http://127.0.0.1:${ports.connect}`,
    pid: (part) => context.children.get(part)?.pid,
    kill: (part, name) => killGroup(context.children.get(part), name),
    exited: async (part) => await exitOf(context.children.get(part)),
    restart: async (part) => {
      killGroup(context.children.get(part), 'SIGKILL');
      await startPart(context, part, deadline(startMs, options.signal));
    },
    stop: async (part) => await (part ? stopOne(context.children.get(part)) : stopAll(context)),
  };
}

async function freeGrownPorts(brokers: number): Promise<GrownPorts> {
  const [controller, connect] = [await freePort(), await freePort()];
  return {
    brokers: await Promise.all(Array.from({ length: brokers }, () => freePort())),
    controller,
    connect,
  };
}

async function startPart(context: Context, part: GrownPart, signal: AbortSignal): Promise<void> {
  const { options, ports, java, lib } = context;
  const { dataDir } = options;
  const logFile = path.join(dataDir, `${part}.log`);
  const settings =
    part === 'connect'
      ? connectSettings(ports)
      : brokerSettings(part === 'broker1' ? 1 : 2, ports, path.join(dataDir, part));
  const conf = confFile(dataDir, `${part}.properties`);
  await writeFile(conf, properties(settings));
  const jvm = {
    java,
    lib,
    log4j,
    logFile,
    env: {},
    tethered: options.tethered ?? true,
  };
  if (part !== 'connect' && !existsSync(path.join(dataDir, part, 'meta.properties'))) {
    const format = launchJvm({
      ...jvm,
      name: 'format',
      mainClass: 'kafka.tools.StorageTool',
      heapMb: 128,
      tethered: true,
      // An id may begin with a dash.
      args: ['format', `--cluster-id=${await clusterId(dataDir)}`, '-c', conf],
    });
    await waitFor(() => format.exitCode ?? format.signalCode ?? undefined, {
      timeoutMs: startMs,
      what: 'formatting the storage',
      signal,
      everyMs: 50,
    });
    if (format.exitCode !== 0) throw await partFailed(`the storage of ${part}`, logFile);
  }
  const child = launchJvm({
    ...jvm,
    name: part,
    mainClass: part === 'connect' ? 'org.apache.kafka.connect.cli.ConnectDistributed' : 'kafka.Kafka',
    args: [conf],
    heapMb: part === 'connect' ? 768 : 512,
    env: part === 'connect' ? options.env : {},
  });
  context.children.set(part, child);
  const port = part === 'connect' ? ports.connect : ports.brokers[part === 'broker1' ? 0 : 1];
  await waitFor(
    async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw await partFailed(part, logFile);
      const up =
        part === 'connect'
          ? await answers(`http://127.0.0.1:${port}/connectors`, signal)
          : await listens(port ?? 0);
      return up ? true : undefined;
    },
    { timeoutMs: startMs, everyMs: 200, what: `the start of ${part}`, signal },
  );
}

/** One id for all brokers of a data folder. */
async function clusterId(dataDir: string): Promise<string> {
  const file = confFile(dataDir, 'cluster.id');
  if (!existsSync(file)) await writeFile(file, randomBytes(16).toString('base64url'));
  return (await readFile(file, 'utf8')).trim();
}

function confFile(dataDir: string, name: string): string {
  return path.join(dataDir, 'conf', name);
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy()).once('connect', () => socket.end());
  });
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  return await fetch(url, { signal: deadline(5_000, signal) }).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok;
    },
    () => false,
  );
}

function killGroup(child: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, signal);
}

/** Connect first: it writes to the brokers while it ends. */
async function stopAll({ children }: Context): Promise<void> {
  for (const part of ['connect', 'broker2', 'broker1'] as const) await stopOne(children.get(part));
}

async function stopOne(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = exitOf(child);
  killGroup(child, 'SIGTERM');
  const patience = new AbortController();
  const inTime = await Promise.race([
    ended.then(() => true),
    pause(15_000, patience.signal).then(
      () => false,
      () => true,
    ),
  ]);
  patience.abort();
  if (!inTime) {
    killGroup(child, 'SIGKILL');
    await ended;
  }
}

async function exitOf(child: ChildProcess | undefined): Promise<number | null> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
  return await new Promise((resolve) => child.once('exit', resolve));
}

/** For callers that only ask whether the parts can run here. */
export async function canRunGrown(): Promise<boolean> {
  return await findJava().then(
    () => true,
    (error: unknown) => {
      if (error instanceof StranglerError) return false;
      throw error;
    },
  );
}
