import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf, StranglerError } from '@strangler/errors';
import type { Binaries } from './binaries.ts';
import { makeDataDirectory, type SystemUser } from './system-user.ts';

const run = promisify(execFile);

/**
 * Runs initdb when the data directory is empty: superuser `postgres`, UTF-8, and the locale C.UTF-8 of PostgreSQL
 * itself, which sorts alike on every machine.
 * @param password the superuser's, asked of every connection; without one every local connection is trusted
 * @throws StranglerError POSTGRES_FAILED
 */
export async function initialise(
  dataDir: string,
  options: { binaries: Binaries; user: SystemUser; password: string | undefined; signal: AbortSignal },
): Promise<void> {
  await makeDataDirectory(dataDir, options.user);
  if ((await readdir(dataDir)).includes('PG_VERSION')) return;
  const secret =
    options.password === undefined ? undefined : await passwordFile(options.password, options.user);
  const auth = secret ? ['--auth=scram-sha-256', `--pwfile=${secret}`] : ['--auth=trust'];
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  try {
    await run(
      options.binaries.initdb,
      ['-D', dataDir, '-U', 'postgres', '--no-sync', '--no-instructions', ...locale, ...auth],
      { ...options.user, cwd: dataDir, signal: options.signal, env: { ...process.env, LC_ALL: 'C' } },
    );
  } catch (cause) {
    // A half-made directory would look like a cluster at the next start.
    for (const entry of await readdir(dataDir))
      await rm(path.join(dataDir, entry), { recursive: true, force: true });
    throw new StranglerError(
      'POSTGRES_FAILED',
      `initdb could not make ${dataDir}: ${stderrOf(cause)}`,
      'See whether the folder is empty, writable, and on a disk with room.',
      { cause },
    );
  } finally {
    if (secret) await rm(secret, { force: true });
  }
}

async function passwordFile(password: string, user: SystemUser): Promise<string> {
  const file = path.join(tmpdir(), `strangler-${randomBytes(8).toString('hex')}`);
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  if (user) await chown(file, user.uid, user.gid);
  return file;
}

function stderrOf(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return text || messageOf(error);
}
