import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StranglerError } from '@strangler/errors';

/** Files that this process holds: its own number in any other file is a leftover's. */
const held = new Set<string>();

/**
 * Makes sure that one stack at a time uses the data. A file that a killed stack left doesn't count.
 * @returns what gives it up again
 * @throws StranglerError STACK_RUNNING
 */
export async function lockData(dataDir: string): Promise<() => Promise<void>> {
  const file = path.resolve(dataDir, 'stack.pid');
  await mkdir(dataDir, { recursive: true });
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      held.add(file);
      return async () => {
        held.delete(file);
        await rm(file, { force: true });
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    if (held.has(file) || (holder > 0 && holder !== process.pid && (await isNode(holder)))) {
      throw new StranglerError(
        'STACK_RUNNING',
        `A stack (process ${holder}) already runs on ${dataDir}.`,
        'Stop it with Ctrl-C in its terminal first.',
      );
    }
    await rm(file, { force: true });
  }
}

/** Whether that process lives, and could be a stack: its number may be somebody else's by now. */
async function isNode(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('node');
}
