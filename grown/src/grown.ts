import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
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
  /** Parts that run already, with their processes: they are waited for, not started, and not stopped by us. */
  readonly running?: ReadonlyMap<GrownPart, number>;
  /** Told as soon as a part has a process, before it is ready. */
  readonly onStarted?: (part: GrownPart, pid: number) => Promise<void>;
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
  /** Starts a part again that was killed, on its data, and waits until it is ready. */
  restart(part: GrownPart): Promise<void>;
  stop(): Promise<void>;
}

const startMs = 180_000;
const log4j = `<?xml version="1.0"?><Configuration status="WARN"><Appenders><Console name="out"><PatternLayout pattern="%d{ISO8601} %p %c{1} %m%n"/></Console></Appenders>
<Loggers><Root level="WARN"><AppenderRef ref="out"/></Root><Logger name="io.debezium" level="INFO"/><Logger name="org.apache.kafka.connect" level="INFO"/></Loggers></Configuration>
`;

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
  await writeFile(confFile(dataDir, 'log4j2.xml'), log4j);
  const context: Context = { options, ports, java, lib, children: new Map() };
  try {
    for (const number of ports.brokers.keys()) {
      const part = number === 0 ? 'broker1' : 'broker2';
      if (!options.running?.has(part)) onLog(`Starting Kafka broker ${number + 1} ...`);
      await startPart(context, part, signal);
    }
    if (!options.running?.has('connect')) onLog('Starting Kafka Connect with Debezium ...');
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
    restart: async (part) => {
      killGroup(context.children.get(part), 'SIGKILL');
      await startPart(context, part, deadline(startMs, options.signal));
    },
    stop: async () => await stopAll(context),
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
  const { options } = context;
  const running = options.running?.get(part);
  if (running !== undefined && !context.children.has(part)) {
    await untilUp(context, part, () => !isAlive(running), signal);
    return;
  }
  const child = await launchPart(context, part, signal);
  context.children.set(part, child);
  if (child.pid !== undefined) await options.onStarted?.(part, child.pid);
  await untilUp(context, part, () => child.exitCode !== null || child.signalCode !== null, signal);
}

async function launchPart(context: Context, part: GrownPart, signal: AbortSignal): Promise<ChildProcess> {
  const { options, ports, java, lib } = context;
  const { dataDir } = options;
  const settings =
    part === 'connect'
      ? connectSettings(ports)
      : brokerSettings(part === 'broker1' ? 1 : 2, ports, path.join(dataDir, part));
  const conf = confFile(dataDir, `${part}.properties`);
  await writeFile(conf, properties(settings));
  const jvm = {
    java,
    lib,
    log4j: confFile(dataDir, 'log4j2.xml'),
    logFile: path.join(dataDir, `${part}.log`),
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
      args: ['format', '-t', await clusterId(dataDir), '-c', conf],
    });
    await waitFor(() => (format.exitCode === 0 ? true : undefined), {
      timeoutMs: startMs,
      what: 'formatting the storage',
      signal,
      everyMs: 50,
    });
  }
  return launchJvm({
    ...jvm,
    name: part,
    mainClass: part === 'connect' ? 'org.apache.kafka.connect.cli.ConnectDistributed' : 'kafka.Kafka',
    args: [conf],
    heapMb: part === 'connect' ? 768 : 512,
    env: part === 'connect' ? options.env : {},
  });
}

async function untilUp(
  { options, ports }: Context,
  part: GrownPart,
  ended: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  await waitFor(
    async () => {
      if (ended()) throw await partFailed(part, path.join(options.dataDir, `${part}.log`));
      return (await isUp(part, ports, signal)) ? true : undefined;
    },
    { timeoutMs: startMs, everyMs: 200, what: `the start of ${part}`, signal },
  );
}

/** Whether the part answers at its port. */
export async function isUp(part: GrownPart, ports: GrownPorts, signal: AbortSignal): Promise<boolean> {
  if (part === 'connect') return await answers(`http://127.0.0.1:${ports.connect}/connectors`, signal);
  return await listens(ports.brokers[part === 'broker1' ? 0 : 1] ?? 0);
}

/** Whether there is a process of that number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
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
  for (const part of ['connect', 'broker2', 'broker1'] as const) {
    const child = children.get(part);
    if (!child || child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((resolve) => child.once('exit', resolve));
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
