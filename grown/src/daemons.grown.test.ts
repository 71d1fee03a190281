import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '@strangler/cluster';
import { waitFor } from '@strangler/errors';
import { expect, onTestFinished, test } from 'vitest';
import { daemonsDown, daemonsStatus, daemonsUp } from './daemons.ts';
import { canRunGrown, isAlive } from './grown.ts';

const artifactsDir = process.env['STRANGLER_GROWN_ARTIFACTS'] ?? path.resolve('.strangler/kafka');

test.skipIf(!(await canRunGrown()))(
  'up is idempotent, a killed part comes back on its data, down ends all',
  { timeout: 300_000 },
  async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'kafka-'));
    const { signal } = new AbortController();
    const ports = { brokers: [await freePort()], controller: await freePort(), connect: await freePort() };
    const daemons = { dataDir, ports, signal, artifactsDir, env: {}, onLog: () => {} };
    onTestFinished(async () => {
      await daemonsDown({ dataDir, signal });
      await rm(dataDir, { recursive: true, force: true });
    }, 60_000);
    expect((await daemonsStatus(daemons)).map(({ up }) => up)).toEqual([false, false]);

    await daemonsUp(daemons);
    const first = await daemonsStatus(daemons);
    expect(first.map(({ part, up }) => [part, up])).toEqual([
      ['broker1', true],
      ['connect', true],
    ]);
    await daemonsUp(daemons);
    expect(await daemonsStatus(daemons)).toEqual(first);
    await expect(daemonsUp({ ...daemons, ports: { ...ports, connect: 1 } })).rejects.toMatchObject({
      code: 'STACK_RUNNING',
    });

    const connect = first[1]?.pid ?? 0;
    process.kill(connect, 'SIGKILL');
    await waitFor(() => (isAlive(connect) ? undefined : true), { timeoutMs: 10_000, what: 'its end' });
    expect((await daemonsStatus(daemons)).map(({ up }) => up)).toEqual([true, false]);
    await daemonsUp(daemons);
    const second = await daemonsStatus(daemons);
    expect(second.map(({ up }) => up)).toEqual([true, true]);
    expect([second[0]?.pid, second[1]?.pid === connect]).toEqual([first[0]?.pid, false]);

    expect((await daemonsDown({ dataDir, signal })).toSorted()).toEqual(['broker1', 'connect']);
    expect(second.map(({ pid }) => isAlive(pid ?? 0))).toEqual([false, false]);
    expect(await daemonsDown({ dataDir, signal })).toEqual([]);
  },
);
