import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { canRunGrown, type Grown, keptArtifacts, startGrown } from '@strangler/grown';
import { afterAll } from 'vitest';

/** Whether Kafka and Connect can run on this machine. */
export const java = await canRunGrown();

const started: (() => Promise<void>)[] = [];
// Here, where a file is collected: a hook that a hook or a test asks for never runs.
afterAll(async () => {
  await Promise.all(started.map(async (stop) => await stop()));
});

/** Connect and a broker, or two, for a test file, gone when it ends. */
export async function grownStack(brokers: 1 | 2 = 1): Promise<Grown> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'strangler-grown-'));
  const grown = await startGrown({
    dataDir,
    brokers,
    artifactsDir: keptArtifacts(process.env),
    env: { STRANGLER_SOURCE_PASSWORD: process.env['STRANGLER_SOURCE_PASSWORD'] ?? 'not-asked-for' },
    onLog: () => {},
    signal: AbortSignal.timeout(280_000),
  });
  started.push(async () => {
    await grown.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  return grown;
}
