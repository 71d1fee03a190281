import { createHash } from 'node:crypto';
import { chown, cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Binaries, binariesIn } from './binaries.ts';

/** The system user that PostgreSQL runs as; undefined means: the one that runs us. */
export type SystemUser = { uid: number; gid: number } | undefined;

/** PostgreSQL refuses to run as root, so that root runs it as `nobody`. */
export function systemUser(): SystemUser {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
}

/**
 * A data directory which PostgreSQL's system user can reach: the wanted one, or, where root's own
 * folders (`/root`, mode 0700) shut everybody else out, one of the same name below the folder for temporary files
 * that outlives a reboot. Always the same for the same wanted path.
 */
export async function reachableDirectory(wanted: string, user: SystemUser = systemUser()): Promise<string> {
  if (user === undefined || (await isOpenToAll(path.dirname(path.resolve(wanted)))))
    return path.resolve(wanted);
  const digest = createHash('sha256').update(path.resolve(wanted)).digest('hex').slice(0, 12);
  return path.join('/var/tmp', `strangler-${digest}`, path.basename(wanted));
}

/** The executables where PostgreSQL's system user can run them: in place, or copied once to where it can. */
export async function reachableBinaries(binaries: Binaries, user: SystemUser): Promise<Binaries> {
  if (user === undefined || (await isOpenToAll(binaries.native))) return binaries;
  const { mtimeMs, size } = await stat(binaries.postgres);
  const digest = createHash('sha256')
    .update(`${binaries.native} ${mtimeMs} ${size}`)
    .digest('hex')
    .slice(0, 12);
  const home = path.join(tmpdir(), `strangler-postgres-${digest}`);
  if ((await stat(home).catch(() => undefined)) === undefined) {
    const building = `${home}.${process.pid}`;
    await cp(binaries.native, building, { recursive: true, verbatimSymlinks: true });
    // Another process may have been faster: its copy is as good as ours.
    await rename(building, home).catch(() => rm(building, { recursive: true, force: true }));
  }
  return binariesIn(home);
}

/** Makes the directory with mode 0700 for PostgreSQL's system user; its parents keep the usual mode. */
export async function makeDataDirectory(directory: string, user: SystemUser): Promise<void> {
  await mkdir(path.dirname(directory), { recursive: true, mode: 0o755 });
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  if (user) await chown(directory, user.uid, user.gid);
}

/** Whether everybody may enter the directory: each part of its path that exists grants it to others. */
async function isOpenToAll(directory: string): Promise<boolean> {
  for (let part = directory; ; part = path.dirname(part)) {
    const found = await stat(part).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o001) === 0) return false;
    if (part === path.dirname(part)) return true;
  }
}
