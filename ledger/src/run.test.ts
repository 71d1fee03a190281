import type { TestDatabase } from '@strangler/cluster/testing';
import { waitFor } from '@strangler/errors';
import { connect } from '@strangler/postgres';
import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ledgerDatabase } from '../../test/ledger-database.ts';
import { oneTable } from '../test/one-table.ts';
import {
  type Epoch,
  finishRun,
  hold,
  readHomeView,
  recordEvent,
  release,
  renewRun,
  setStage,
  startRun,
} from './index.ts';

let database: TestDatabase;
let home: pg.Client;

const open = () => connect({ url: database.url(), role: 'operator', name: 'test' });
const request = { extraction: 'x', verb: 'sync', holder: 'ada@host', leaseMs: 60_000, plan: ['a', 'b'] };
const heldNow = async () => (await readHomeView(home, 'x', 'f1')).hold;
const rowOf = async (id: string) =>
  (
    await database.query(
      'SELECT verb, holder, plan, step, outcome, hold_until FROM strangler.run WHERE id = $1',
      [id],
    )
  )[0];

beforeAll(async () => {
  database = await ledgerDatabase('monolith', oneTable);
});
beforeEach(async () => {
  home = await open();
  await setStage(home, 'x', 'following', 'hash');
});
afterEach(async () => {
  await database.query(`UPDATE strangler.run SET outcome = 'failed' WHERE outcome IS NULL`);
  await home.end();
});

describe('a run', () => {
  it('says who does what, and how far it is', async () => {
    const run = await startRun(home, request);
    await renewRun(home, run, 60_000, 'fence');
    await renewRun(home, run, 60_000);
    expect(await rowOf(run.id)).toMatchObject({
      verb: 'sync',
      holder: 'ada@host',
      plan: ['a', 'b'],
      step: 'fence',
      outcome: null,
    });
    await finishRun(home, run, 'done');
    expect(await rowOf(run.id)).toMatchObject({ outcome: 'done' });
    await startRun(home, request);
  });

  it('is held by one: the others are told by whom', async () => {
    await startRun(home, request);
    await expect(startRun(home, { ...request, holder: 'bob@host' })).rejects.toMatchObject({
      code: 'RUN_HELD',
      exitCode: 4,
      fact: 'ada@host holds the run of x (sync).',
    });
    // Another extraction is another matter.
    await finishRun(home, await startRun(home, { ...request, extraction: 'y' }), 'done');
  });

  it('is held by one of many who ask at the same moment', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, open));
    const asked = await Promise.allSettled(
      clients.map((client, index) => startRun(client, { ...request, holder: `operator ${index}` })),
    );
    await Promise.all(clients.map((client) => client.end()));
    expect(asked.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    for (const each of asked) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'RUN_HELD' });
    }
  });

  it('lapses when its holder died, and cannot be kept or finished by him any more', async () => {
    const dead = await startRun(home, { ...request, leaseMs: 30 });
    await hold(home, dead, 1n as Epoch, 60_000);
    const next = await waitFor(
      () => startRun(home, { ...request, holder: 'bob@host' }).catch(() => undefined),
      { timeoutMs: 5_000, what: 'the lapse' },
    );
    expect(await rowOf(dead.id)).toMatchObject({ outcome: 'lapsed', hold_until: null });
    await expect(renewRun(home, dead, 60_000, 'decide')).rejects.toMatchObject({
      code: 'RUN_HELD',
      fact: 'This run of x has lapsed.',
    });
    await hold(home, dead, 1n as Epoch, 60_000);
    expect(await heldNow()).toBeUndefined();
    await finishRun(home, dead, 'done');
    expect(await rowOf(dead.id)).toMatchObject({ outcome: 'lapsed' });
    await renewRun(home, next, 60_000);
  });
});

describe('a hold', () => {
  it('is seen by facades with its epoch and the time left, by the clock of the ledger', async () => {
    const run = await startRun(home, request);
    expect(await heldNow()).toBeUndefined();
    await hold(home, run, 41n as Epoch, 30_000);
    const held = await heldNow();
    expect(held).toMatchObject({ run: run.id, epoch: 41n });
    expect(held?.remainingMs).toBeGreaterThan(20_000);
    expect(held?.remainingMs).toBeLessThanOrEqual(30_000);
    const facade = await connect({ url: database.url(), role: 'facade', name: 'test' });
    expect((await readHomeView(facade, 'x', 'f1')).hold).toMatchObject({ run: run.id });
    await facade.end();
  });

  it('ends with a release, with the run, and by itself', async () => {
    const run = await startRun(home, request);
    await hold(home, run, 1n as Epoch, 60_000);
    await release(home, run);
    expect(await heldNow()).toBeUndefined();
    await hold(home, run, 1n as Epoch, 20);
    await waitFor(async () => ((await heldNow()) ? undefined : true), { timeoutMs: 5_000, what: 'the end' });
    await hold(home, run, 1n as Epoch, 60_000);
    expect(await heldNow()).toBeDefined();
    await finishRun(home, run, 'refused');
    expect(await heldNow()).toBeUndefined();
  });
});

describe('the record', () => {
  it('keeps who did what, and lets nobody change it', async () => {
    await recordEvent(home, {
      extraction: 'x',
      actor: 'ada@host',
      what: 'verify',
      detail: { verdict: 'equal' },
    });
    await recordEvent(home, { extraction: null, actor: 'ada@host', what: 'setup' });
    const rows = await database.query(
      'SELECT extraction, actor, what, detail FROM strangler.event ORDER BY id',
    );
    expect(rows).toEqual([
      { extraction: 'x', actor: 'ada@host', what: 'verify', detail: { verdict: 'equal' } },
      { extraction: null, actor: 'ada@host', what: 'setup', detail: {} },
    ]);
    await expect(home.query(`UPDATE strangler.event SET what = 'nothing'`)).rejects.toMatchObject({
      code: '42501',
    });
    await expect(home.query(`DELETE FROM strangler.event`)).rejects.toMatchObject({ code: '42501' });
  });
});
