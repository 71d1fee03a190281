import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { waitFor } from '@strangler/errors';
import { z } from 'zod';
import { type GrownOptions, type GrownPart, startGrown } from './grown.ts';
import type { GrownPorts } from './settings.ts';

const record = z.object({
  ports: z.object({ brokers: z.array(z.number()), controller: z.number(), connect: z.number() }),
  parts: z.array(z.object({ part: z.enum(['broker1', 'broker2', 'connect']), pid: z.number() })),
});

/** What `kafka:up` left running, as it stands now. */
export interface Daemons {
  readonly ports: GrownPorts;
  readonly parts: readonly { readonly part: GrownPart; readonly pid: number; readonly alive: boolean }[];
}

/** What runs from this data folder; undefined when nothing was brought up. */
export async function readDaemons(dataDir: string): Promise<Daemons | undefined> {
  const file = recordFile(dataDir);
  if (!existsSync(file)) return undefined;
  const { ports, parts } = record.parse(JSON.parse(await readFile(file, 'utf8')));
  return {
    ports,
    parts: await Promise.all(
      parts.map(async (each) => ({ ...each, alive: await isOurs(each.pid, dataDir) })),
    ),
  };
}

/** Brings the brokers and Connect up unless they run; true if it had to. */
export async function bringUp(options: GrownOptions & { readonly ports: GrownPorts }): Promise<boolean> {
  const { dataDir } = options;
  const found = await readDaemons(dataDir);
  if (found?.parts.every((each) => each.alive)) return false;
  if (found) await bringDown(dataDir);
  await mkdir(dataDir, { recursive: true });
  const grown = await startGrown({ ...options, tethered: false });
  const names: GrownPart[] = ['broker1', 'broker2', 'connect'];
  const parts = names.flatMap((part) => {
    const pid = grown.pid(part);
    return pid === undefined ? [] : [{ part, pid }];
  });
  await writeFile(recordFile(dataDir), JSON.stringify({ ports: options.ports, parts }));
  return true;
}

/** Ends what runs, Connect first; true if there was anything. */
export async function bringDown(dataDir: string): Promise<boolean> {
  const found = await readDaemons(dataDir);
  if (!found) return false;
  for (const { pid, alive } of [...found.parts].reverse()) {
    if (!alive) continue;
    process.kill(pid, 'SIGTERM');
    const ended = async () => ((await isOurs(pid, dataDir)) ? undefined : true);
    await waitFor(ended, { timeoutMs: 20_000, everyMs: 100, what: `the end of process ${pid}` }).catch(
      async () => {
        process.kill(pid, 'SIGKILL');
        await waitFor(ended, { timeoutMs: 10_000, everyMs: 100, what: `the end of process ${pid}` });
      },
    );
  }
  await rm(recordFile(dataDir));
  return true;
}

/** Process numbers are used again: it is ours if its command line names our folder. */
async function isOurs(pid: number, dataDir: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (command !== undefined) return command.includes(dataDir);
  if (existsSync('/proc/self')) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function recordFile(dataDir: string): string {
  return path.join(dataDir, 'running.json');
}
