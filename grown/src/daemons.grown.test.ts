import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '@strangler/cluster';
import { waitFor } from '@strangler/errors';
import { expect, onTestFinished, test } from 'vitest';
import {
  bringDown,
  bringUp,
  canRunGrown,
  type GrownOptions,
  keptArtifacts,
  readDaemons,
  startGrown,
} from './index.ts';

const runnable = await canRunGrown();

async function options(): Promise<
  GrownOptions & { ports: { brokers: number[]; controller: number; connect: number } }
> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'strangler-grown-'));
  onTestFinished(async () => {
    await bringDown(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    dataDir,
    artifactsDir: keptArtifacts(process.env),
    ports: { brokers: [await freePort()], controller: await freePort(), connect: await freePort() },
    env: {},
    onLog: () => {},
    signal: new AbortController().signal,
  };
}

const plugins = async (connect: number) => {
  const response = await fetch(`http://127.0.0.1:${connect}/connector-plugins`);
  return JSON.stringify(await response.json());
};

test.skipIf(!runnable)(
  'comes up once, is found again, is mended when a part died, and goes down',
  async () => {
    const given = await options();
    expect(await readDaemons(given.dataDir)).toBeUndefined();
    expect(await bringUp(given)).toBe(true);
    expect(await plugins(given.ports.connect)).toContain('PostgresConnector');
    expect(await bringUp(given)).toBe(false);

    const broker = (await readDaemons(given.dataDir))?.parts.find((each) => each.part === 'broker1');
    process.kill(broker?.pid ?? 0, 'SIGKILL');
    await waitFor(
      async () => ((await readDaemons(given.dataDir))?.parts.every((each) => each.alive) ? undefined : true),
      {
        timeoutMs: 10_000,
        what: 'the death to be seen',
      },
    );
    expect(await bringUp(given)).toBe(true);
    expect(await plugins(given.ports.connect)).toContain('PostgresConnector');
    expect(await bringDown(given.dataDir)).toBe(true);
    expect(await readDaemons(given.dataDir)).toBeUndefined();
  },
);

test.skipIf(!runnable)('a killed part starts again on its data, and all end with a stop', async () => {
  const given = await options();
  // One of 64 ids begins like an option.
  await mkdir(path.join(given.dataDir, 'conf'), { recursive: true });
  await writeFile(path.join(given.dataDir, 'conf', 'cluster.id'), '-kzlRTQxRZ-tWV7Bn1zgdQ');
  const grown = await startGrown(given);
  const before = grown.pid('connect');
  grown.kill('connect', 'SIGKILL');
  await grown.restart('connect');
  expect(grown.pid('connect')).not.toBe(before);
  expect(await plugins(given.ports.connect)).toContain('PostgresConnector');
  await grown.stop();
  await expect(plugins(given.ports.connect)).rejects.toThrow();
});
