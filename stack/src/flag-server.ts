import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { StranglerError } from '@strangler/errors';
import type { Log } from './log.ts';
import { repository } from './process.ts';

/** Where the flag server lives, whichever stack uses it: installed once per checkout. */
const home = path.join(repository, '.strangler', 'unleash');
const manifests = path.join(repository, 'stack', 'unleash');

/**
 * Installs the flag server on demand, once, into a folder of its own: it is large and under another licence (AGPL),
 * so that it is no dependency of ours, but a program that we start.
 * @returns the script that starts it
 * @throws StranglerError FLAG_SERVER_MISSING
 */
export async function installFlagServer(log: Log, signal: AbortSignal): Promise<string> {
  const script = path.join(home, 'node_modules', 'unleash-server', 'dist', 'server.js');
  if (await isInstalled()) return script;
  log(
    'stack',
    `Installing the flag server (unleash-server, AGPL-3.0, about 200 MB) into ${path.relative('.', home)}, once ...`,
  );
  const building = `${home}.${process.pid}`;
  await rm(building, { recursive: true, force: true });
  await mkdir(path.dirname(building), { recursive: true });
  await cp(manifests, building, { recursive: true });
  try {
    await npmCi(building, log, signal);
    await rm(home, { recursive: true, force: true });
    await rename(building, home);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return script;
}

/** Complete, and made from the lockfile that we have now: the folder gets its name only when npm is done. */
async function isInstalled(): Promise<boolean> {
  const [wanted, found] = await Promise.all(
    [manifests, home].map((folder) =>
      readFile(path.join(folder, 'package-lock.json'), 'utf8').catch(() => undefined),
    ),
  );
  return wanted !== undefined && wanted === found;
}

async function npmCi(folder: string, log: Log, signal: AbortSignal): Promise<void> {
  // No install scripts: one of them reports the install to its vendor, another compiles what is optional.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev'];
  const npm = process.env['npm_execpath'];
  const [program, ...rest] = npm ? [process.execPath, npm, ...args] : ['npm', ...args];
  const child = spawn(program ?? 'npm', rest, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], signal });
  const last: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      last.push(line);
      log('npm', line);
    });
  }
  const code: unknown = await once(child, 'close').then(
    ([code]) => code,
    (error: unknown) => error,
  );
  if (code === 0) return;
  throw new StranglerError(
    'FLAG_SERVER_MISSING',
    `npm could not install the flag server (${code}): ${last.slice(-5).join(' | ')}`,
    'Check that the npm registry can be reached, then run the command again.',
    { cause: code },
  );
}
