import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { waitFor } from '@strangler/errors';

/** What a running server says of itself in `postmaster.pid`. */
export interface Postmaster {
  pid: number;
  ready: boolean;
}

/** Reads `postmaster.pid`; undefined when there is none, or when it is being written. */
export async function readPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return { pid, ready: lines[7]?.trim() === 'ready' };
}

/** Whether a process of that id is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Stops a server that a killed parent left on this directory, and removes its pid file: a process id that was
 * given to somebody else meanwhile would keep PostgreSQL from starting.
 */
export async function clearLeftover(dataDir: string, signal: AbortSignal): Promise<void> {
  const left = await readPostmaster(dataDir);
  if (left === undefined) return;
  if (isAlive(left.pid) && (await isServerOf(left.pid, dataDir))) {
    process.kill(left.pid, 'SIGINT');
    const gone = () => (isAlive(left.pid) ? undefined : true);
    await waitFor(gone, { timeoutMs: 5_000, what: 'The end of a leftover server', signal }).catch(() => {
      process.kill(left.pid, 'SIGQUIT');
    });
    await waitFor(gone, { timeoutMs: 10_000, what: 'The end of a leftover server', signal });
  }
  await rm(path.join(dataDir, 'postmaster.pid'), { force: true });
}

/** On Linux the command line tells; elsewhere a live process of that id is taken for the server. */
async function isServerOf(pid: number, dataDir: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes(dataDir);
}
