import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { deadline, StranglerError, waitFor } from '@strangler/errors';
import type { Running } from './supervise.ts';

/** The folder of the repository: commands are started from it. */
export const repository = path.resolve(import.meta.dirname, '..', '..');

/** A command of a part: a script for our own node, its arguments, and the variables that it may see. */
export interface Command {
  script: string;
  args?: string[];
  env: Record<string, string>;
  cwd?: string;
  /** A module that is loaded before the script. */
  preload?: string;
}

/** How a part says that it is ready: an address that answers 200, or a line of its output. */
export type Ready = { url: string } | { line: (line: string) => boolean };

/** What every process needs from ours; everything else it gets by name, so that no secret strays. */
function baseEnvironment(): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'TMPDIR',
    'LANG',
    'TZ',
    'STRANGLER_TEST_RUN',
    'FORCE_COLOR',
    'NODE_V8_COVERAGE',
  ];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

function spawnNode(command: Command): ChildProcess {
  const tether = path.join(import.meta.dirname, 'tether.ts');
  const imports = [tether, command.preload].flatMap((module) => (module ? ['--import', module] : []));
  return spawn(process.execPath, [...imports, command.script, ...(command.args ?? [])], {
    cwd: command.cwd ?? repository,
    env: { ...baseEnvironment(), ...command.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in a terminal is ours to hand on, in order.
    detached: true,
  });
}

function eachLine(child: ChildProcess, onLine: (line: string, from: 'stdout' | 'stderr') => void): void {
  child.stdin?.on('error', () => {});
  for (const from of ['stdout', 'stderr'] as const) {
    const input = child[from];
    if (input) createInterface({ input }).on('line', (line) => onLine(line, from));
  }
}

/**
 * Starts a long-running part and waits until it is ready.
 * @throws StranglerError COMPONENT_FAILED when it ends first, or isn't ready within a minute
 */
export async function launchProcess(
  name: string,
  command: Command,
  options: { ready: Ready; onLine: (line: string) => void; signal: AbortSignal },
): Promise<Running> {
  const child = spawnNode(command);
  const last: string[] = [];
  let said = false;
  eachLine(child, (line, from) => {
    options.onLine(line);
    last.push(line);
    if (last.length > 8) last.shift();
    if (from === 'stdout' && 'line' in options.ready && options.ready.line(line)) said = true;
  });
  const running = asRunning(child);
  const failed = (fact: string) =>
    new StranglerError(
      'COMPONENT_FAILED',
      `${name} ${fact}: ${last.join(' | ')}`,
      'Its last words above name the cause.',
    );
  let ended = false;
  void running.exited.then(() => {
    ended = true;
  });
  try {
    await waitFor(
      async () => {
        if (ended) throw failed('ended before it was ready');
        return (await isReady(options.ready, () => said)) ? true : undefined;
      },
      {
        timeoutMs: 60_000,
        everyMs: 50,
        what: `The start of ${name}`,
        signal: options.signal,
        late: () => failed('is not ready after a minute'),
      },
    );
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

async function isReady(ready: Ready, said: () => boolean): Promise<boolean> {
  if ('line' in ready) return said();
  return fetch(ready.url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok;
    },
    () => false,
  );
}

function asRunning(child: ChildProcess): Running {
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', (code) => resolve(code));
  });
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(hard);
  };
  return {
    pid: child.pid ?? -1,
    exited,
    kill: (signal) => void child.kill(signal),
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** What a command printed and how it ended. */
export interface Finished {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end. Aborting the signal, or the time limit, ends it. */
export async function runCommand(
  command: Command,
  options: { timeoutMs: number; onLine?: (line: string) => void; signal?: AbortSignal },
): Promise<Finished> {
  const child = spawnNode(command);
  const text = { stdout: '', stderr: '' };
  eachLine(child, (line, from) => {
    text[from] += `${line}\n`;
    if (from === 'stderr') options.onLine?.(line);
  });
  const running = asRunning(child);
  const limit = deadline(options.timeoutMs, options.signal);
  const end = () => void running.stop();
  limit.addEventListener('abort', end, { once: true });
  if (limit.aborted) end();
  const [code] = await once(child, 'close');
  limit.removeEventListener('abort', end);
  return { exitCode: typeof code === 'number' ? code : 1, ...text };
}
