import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { deadline, messageOf, StranglerError } from '@strangler/errors';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));
const pom = fileURLToPath(new URL('../../cdc/debezium/pom.xml', import.meta.url));

/** Where fetched artifacts are kept for every use of this repository. `STRANGLER_ARTIFACTS` names another folder. */
export function keptArtifacts(environment: NodeJS.ProcessEnv): string {
  const data = environment['STRANGLER_DATA'] ?? path.join(repository, '.strangler');
  return path.resolve(environment['STRANGLER_ARTIFACTS'] ?? path.join(data, 'kafka'));
}

/** What `java` is called, and whether it is new enough. @throws StranglerError JAVA_MISSING */
export async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = home ? path.join(home, 'bin', 'java') : 'java';
  const version = await run(java, ['-version']).then(
    ({ stderr }) => Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0),
    () => 0,
  );
  if (version >= 17) return java;
  throw new StranglerError(
    'JAVA_MISSING',
    version === 0 ? 'There is no Java here.' : `Java ${version} is too old.`,
    'Install a JDK or JRE 17 or newer (Debian: openjdk-17-jre-headless), or set JAVA_HOME.',
  );
}

/**
 * The folder with the jars of Kafka, Connect and Debezium, fetched once by Maven for each version of the pom.
 * @throws StranglerError MAVEN_MISSING or ARTIFACTS_FAILED
 */
export async function fetchArtifacts(
  dataDir: string,
  onLog: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const wanted = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12);
  const lib = path.join(dataDir, `lib-${wanted}`);
  if (existsSync(path.join(lib, 'complete'))) return lib;
  await run('mvn', ['--version']).catch((cause: unknown) => {
    throw new StranglerError(
      'MAVEN_MISSING',
      'There is no Maven here.',
      'Install Maven 3.8 or newer (Debian: maven).',
      { cause },
    );
  });
  onLog('Fetching Kafka, Connect and Debezium by Maven, once (about 85 MB) ...');
  const unfinished = `${lib}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  try {
    await run('mvn', ['-q', '-B', '-ntp', '-f', pom, `-Dlib=${unfinished}`, 'package'], {
      signal: deadline(600_000, signal),
      maxBuffer: 16 << 20,
    });
  } catch (cause) {
    throw new StranglerError(
      'ARTIFACTS_FAILED',
      `Maven could not fetch the artifacts: ${messageOf(cause).slice(0, 500)}.`,
      'See that Maven reaches Maven Central (or your mirror of it), then try again.',
      { cause },
    );
  }
  await writeFile(path.join(unfinished, 'complete'), '');
  await rename(unfinished, lib);
  return lib;
}
