import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { assertPortFree } from '@strangler/cluster';
import { StranglerError, waitFor } from '@strangler/errors';
import { z } from 'zod';
import { type GrownOptions, type GrownPart, isAlive, isUp, startGrown } from './grown.ts';
import type { GrownPorts } from './settings.ts';

const run = promisify(execFile);
/** In the order in which they stop: Connect writes to the brokers while it ends. */
const parts = ['connect', 'broker2', 'broker1'] as const;
const savedPorts = z.object({ brokers: z.array(z.number()), controller: z.number(), connect: z.number() });

export interface DaemonStatus {
  readonly part: GrownPart;
  /** Undefined: no process of ours. */
  readonly pid: number | undefined;
  /** Whether it answers at its port. */
  readonly up: boolean;
  readonly port: number;
}

export interface Daemons {
  readonly dataDir: string;
  readonly ports: GrownPorts;
  readonly signal: AbortSignal;
}

/**
 * Starts what does not run yet, and waits until all of it answers. The processes live on by themselves.
 * @throws StranglerError PORT_TAKEN, STACK_RUNNING when it runs on other ports, and what `startGrown` throws
 */
export async function daemonsUp(
  daemons: Daemons & Pick<GrownOptions, 'onLog' | 'env' | 'artifactsDir'>,
): Promise<void> {
  const { dataDir, ports, signal, ...rest } = daemons;
  await mkdir(dataDir, { recursive: true });
  const running = await runningParts(dataDir);
  await assertSamePorts(dataDir, ports, running.size > 0);
  await assertFree(ports, running);
  await writeFile(path.join(dataDir, 'ports.json'), JSON.stringify(ports));
  await startGrown({
    ...rest,
    dataDir,
    ports,
    signal,
    tethered: false,
    running,
    onStarted: async (part, pid) => await writeFile(pidFile(dataDir, part), String(pid)),
  });
}

/** Ends every part, gently and then not, and keeps the data. @returns the parts that ran. */
export async function daemonsDown({ dataDir, signal }: Omit<Daemons, 'ports'>): Promise<GrownPart[]> {
  const running = await runningParts(dataDir);
  for (const part of parts) {
    const pid = running.get(part);
    if (pid !== undefined) {
      process.kill(-pid, 'SIGTERM');
      const gone = (timeoutMs: number) =>
        waitFor(() => (isAlive(pid) ? undefined : true), {
          timeoutMs,
          everyMs: 50,
          what: `the end of ${part}`,
          signal,
        });
      await gone(20_000).catch(async (error: unknown) => {
        if (!(error instanceof StranglerError)) throw error;
        process.kill(-pid, 'SIGKILL');
        await gone(5_000);
      });
    }
    await rm(pidFile(dataDir, part), { force: true });
  }
  return [...running.keys()];
}

/** Each part with its process; a second broker only if there has been one. */
export async function daemonsStatus({ dataDir, ports: asked, signal }: Daemons): Promise<DaemonStatus[]> {
  const ports = (await portsOf(dataDir)) ?? asked;
  const running = await runningParts(dataDir);
  const wanted: GrownPart[] =
    ports.brokers.length > 1 ? ['broker1', 'broker2', 'connect'] : ['broker1', 'connect'];
  return await Promise.all(
    wanted.map(async (part) => {
      const pid = running.get(part);
      const port = part === 'connect' ? ports.connect : (ports.brokers[part === 'broker1' ? 0 : 1] ?? 0);
      return { part, pid, up: pid !== undefined && (await isUp(part, ports, signal)), port };
    }),
  );
}

/** The parts whose pid file names a living process of this folder: a number may be somebody else's by now. */
async function runningParts(dataDir: string): Promise<Map<GrownPart, number>> {
  const found = new Map<GrownPart, number>();
  for (const part of parts) {
    const pid = Number(await readFile(pidFile(dataDir, part), 'utf8').catch(() => ''));
    if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) continue;
    const command = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).then(
      ({ stdout }) => stdout,
      () => '',
    );
    if (command.includes(path.join(dataDir, 'conf', `${part}.properties`))) found.set(part, pid);
  }
  return found;
}

async function portsOf(dataDir: string): Promise<GrownPorts | undefined> {
  const text = await readFile(path.join(dataDir, 'ports.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : savedPorts.parse(JSON.parse(text));
}

async function assertSamePorts(dataDir: string, ports: GrownPorts, isRunning: boolean): Promise<void> {
  const known = isRunning ? await portsOf(dataDir) : undefined;
  if (!known) return;
  const flat = ({ brokers, controller, connect }: GrownPorts) => [...brokers, controller, connect].join(', ');
  if (flat(known) === flat(ports)) return;
  throw new StranglerError(
    'STACK_RUNNING',
    `Kafka already runs on other ports (${flat(known)}, asked for: ${flat(ports)}).`,
    'Run `npm run kafka:down` first.',
  );
}

async function assertFree(ports: GrownPorts, running: ReadonlyMap<GrownPart, number>): Promise<void> {
  const wanted: [GrownPart, number | undefined, string][] = [
    ['broker1', ports.brokers[0], 'KAFKA_PORT'],
    ['broker1', ports.controller, 'KAFKA_CONTROLLER_PORT'],
    ['broker2', ports.brokers[1], 'KAFKA_PORT_2'],
    ['connect', ports.connect, 'CONNECT_PORT'],
  ];
  for (const [part, port, variable] of wanted) {
    if (port !== undefined && !running.has(part))
      await assertPortFree(port, part, `Stop what listens there, or set ${variable} to another port.`);
  }
}

function pidFile(dataDir: string, part: GrownPart): string {
  return path.join(dataDir, `${part}.pid`);
}
