import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

export interface Leftover {
  pid: number;
  command: string;
}

/**
 * The processes that a test run left behind: those that carry its mark in their environment or, since PostgreSQL
 * writes over its own, in their command line. Those that are just ending get `graceMs`. Elsewhere than on Linux
 * nothing is found.
 */
export async function findLeftovers(mark: string, graceMs: number): Promise<Leftover[]> {
  const end = performance.now() + graceMs;
  for (;;) {
    const found = await scan(mark);
    if (found.length === 0 || performance.now() >= end) return found;
    await pause(100);
  }
}

async function scan(mark: string): Promise<Leftover[]> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  const found = await Promise.all(pids.map((pid) => look(pid, mark)));
  return found.filter((leftover) => leftover !== undefined);
}

async function look(pid: number, mark: string): Promise<Leftover | undefined> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const [command, environment] = await Promise.all([read('cmdline'), read('environ')]);
  if (!command.includes(mark) && !environment.includes(mark)) return undefined;
  return { pid, command: command.replaceAll('\0', ' ').trim() };
}
