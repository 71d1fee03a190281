import { createDatabase, type TestDatabase } from '@strangler/cluster/testing';
import { waitFor } from '@strangler/errors';
import { connect, parseLsn } from '@strangler/postgres';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ledgerDatabase } from '../../test/ledger-database.ts';
import { oneTable } from '../test/one-table.ts';
import {
  advance,
  channel,
  createCheckpoint,
  createOwnership,
  type Epoch,
  notifyLedger,
  type Ownership,
  ownerOf,
  ownerStates,
  parseNotice,
  readExtraction,
  readFacades,
  readHomeView,
  readServiceView,
  removeFacade,
  reportFacade,
  setHomes,
  setStage,
  startRun,
  takeLease,
} from './index.ts';

let home: TestDatabase;
let service: TestDatabase;
let operator: pg.Client;
let facade: pg.Client;
let facadeOfService: pg.Client;

beforeAll(async () => {
  home = await ledgerDatabase('monolith', oneTable);
  service = await ledgerDatabase('service', oneTable);
  operator = await connect({ url: home.url(), role: 'operator', name: 'test' });
  facade = await connect({ url: home.url(), role: 'facade', name: 'test' });
  facadeOfService = await connect({ url: service.url(), role: 'facade', name: 'test' });
});
afterAll(async () => {
  await Promise.all([operator, facade, facadeOfService].map((client) => client?.end()));
});

const planned = {
  stage: 'planned',
  homes: [],
  ownership: undefined,
  hold: undefined,
  reverse: undefined,
  otherFacades: 0,
};

describe('the view of an extraction', () => {
  it('is planned before anything is there: no ledger, no extraction', async () => {
    for (const side of ['monolith', 'service'] as const) {
      const empty = await createDatabase(side);
      const client = await connect({ url: empty.url(), role: 'facade', name: 'test' });
      expect(await readHomeView(client, 'x', 'f1')).toEqual(planned);
      expect(await readServiceView(client, 'x')).toEqual({ ownership: undefined, forward: undefined });
      await client.end();
    }
    expect(await readHomeView(facade, 'nothing', 'f1')).toEqual(planned);
    expect(await readServiceView(facadeOfService, 'nothing')).toEqual({
      ownership: undefined,
      forward: undefined,
    });
    expect(await readExtraction(operator, 'nothing')).toBeUndefined();
  });

  it('has stage, homes, owners and streams of both sides', async () => {
    for (const [database, side, direction] of [
      [home, 'monolith', 'reverse'],
      [service, 'service', 'forward'],
    ] as const) {
      const admin = await connect({ url: database.url(), role: 'admin', name: 'test' });
      await createOwnership(admin, 'x', side);
      await createOwnership(admin, 'x', side);
      await createCheckpoint(admin, 'x', {
        direction,
        slot: `slot_${direction}`,
        applied: parseLsn('0/10'),
        sourceEpoch: 0n as Epoch,
        sourceState: 'closed',
      });
      await admin.end();
    }
    await setStage(operator, 'x', 'following', 'h1');
    await setHomes(operator, 'x', ['get', 'say "hi", {you}']);
    const view = await readHomeView(facade, 'x', 'f1');
    expect(view).toMatchObject({
      stage: 'following',
      homes: ['get', 'say "hi", {you}'],
      ownership: { side: 'monolith', state: 'open', remainingMs: null },
      hold: undefined,
      reverse: { direction: 'reverse', slot: 'slot_reverse' },
    });
    expect(view.ownership?.epoch).toBeGreaterThan(0n);
    expect(view.ownership?.term).toBe(view.ownership?.epoch);
    expect(await readServiceView(facadeOfService, 'x')).toMatchObject({
      ownership: { side: 'service', state: 'closed', epoch: 0n },
      forward: { direction: 'forward', slot: 'slot_forward' },
    });
    // A new stage keeps the homes; the config's hash is the new one.
    await setStage(operator, 'x', 'switched', 'h2');
    expect(await readExtraction(operator, 'x')).toEqual({
      stage: 'switched',
      homes: ['get', 'say "hi", {you}'],
      configHash: 'h2',
    });
    await setHomes(operator, 'x', []);
    expect((await readExtraction(operator, 'x'))?.homes).toEqual([]);
  });
});

describe('the owner', () => {
  const row = (side: Ownership['side'], state: Ownership['state'], epoch: bigint): Ownership => ({
    side,
    state,
    epoch: epoch as Epoch,
    term: 1n as Epoch,
    remainingMs: null,
  });

  it('is the side that is not closed, the higher epoch if in doubt, and nobody while both are', () => {
    for (const a of ownerStates) {
      for (const b of ownerStates) {
        for (const [x, y] of [
          [3n, 4n],
          [4n, 3n],
        ] as const) {
          const owner = ownerOf(row('monolith', a, x), row('service', b, y))?.side;
          const higher = x > y ? 'monolith' : 'service';
          const expected =
            a === 'closed' ? (b === 'closed' ? undefined : 'service') : b === 'closed' ? 'monolith' : higher;
          expect(owner, `${a} ${x}, ${b} ${y}`).toBe(expected);
        }
      }
    }
    expect(ownerOf(row('monolith', 'open', 1n), undefined)?.side).toBe('monolith');
    expect(ownerOf(undefined, undefined)).toBeUndefined();
  });
});

describe('facades', () => {
  afterEach(async () => {
    await home.query('DELETE FROM strangler.facade');
  });
  const report = {
    id: 'f1',
    extraction: 'x',
    epoch: 5n as Epoch,
    hold: null,
    inFlight: 2,
    held: 0,
    leaseMs: 60_000,
  };

  it('say what they obey; the last word counts', async () => {
    const run = await startRun(operator, {
      extraction: 'x',
      verb: 'v',
      holder: 'h',
      leaseMs: 60_000,
      plan: [],
    });
    await reportFacade(facade, report);
    await reportFacade(facade, { ...report, id: 'f2' });
    await reportFacade(facade, { ...report, extraction: 'other' });
    await reportFacade(facade, { ...report, epoch: 6n as Epoch, hold: run.id, inFlight: 0, held: 9 });
    expect(await readFacades(operator, 'x')).toEqual([
      { id: 'f1', epoch: 6n, hold: run.id, inFlight: 0, held: 9, expired: false },
      { id: 'f2', epoch: 5n, hold: null, inFlight: 2, held: 0, expired: false },
    ]);
    expect((await readHomeView(facade, 'x', 'f1')).otherFacades).toBe(1);
    expect((await readHomeView(facade, 'x', 'f3')).otherFacades).toBe(2);
  });

  it('expire when their lease is over, and go when they say so', async () => {
    await reportFacade(facade, { ...report, leaseMs: 20 });
    await waitFor(async () => ((await readFacades(operator, 'x'))[0]?.expired ? true : undefined), {
      timeoutMs: 5_000,
      what: 'the expiry',
    });
    expect((await readHomeView(facade, 'x', 'f2')).otherFacades).toBe(0);
    await reportFacade(facade, report);
    expect((await readFacades(operator, 'x'))[0]?.expired).toBe(false);
    await removeFacade(facade, 'f1');
    expect(await readFacades(operator, 'x')).toEqual([]);
  });
});

describe('notices', () => {
  it('wake whoever listens, for everything that changes', async () => {
    const heard: string[] = [];
    const listen = async (database: TestDatabase) => {
      const client = await connect({ url: database.url(), role: 'facade', name: 'listener' });
      client.on('notification', ({ payload }) => {
        const notice = parseNotice(payload);
        heard.push(
          notice?.kind === 'applied'
            ? `applied ${notice.direction} ${notice.applied} ${notice.lagMs}`
            : `${notice?.kind}`,
        );
      });
      await client.query(`LISTEN ${channel}`);
      return client;
    };
    const listeners = [await listen(home), await listen(service)];
    const next = async (what: string) => {
      await waitFor(() => (heard.includes(what) ? true : undefined), { timeoutMs: 5_000, everyMs: 5, what });
      heard.length = 0;
    };
    await setStage(operator, 'n', 'copying', 'h');
    await next('ledger');
    await notifyLedger(operator, 'n');
    await next('ledger');
    const admin = await connect({ url: service.url(), role: 'admin', name: 'test' });
    await createCheckpoint(admin, 'n', {
      direction: 'forward',
      slot: 's',
      applied: parseLsn('0/1'),
      sourceEpoch: 1n as Epoch,
      sourceState: 'open',
    });
    await admin.end();
    const sink = await connect({ url: service.url(), role: 'apply', name: 'sink' });
    const lease = await takeLease(sink, 'n', 'forward', 'cdc');
    await sink.query('BEGIN');
    await advance(sink, {
      extraction: 'n',
      direction: 'forward',
      lease,
      applied: parseLsn('1/A'),
      commitTime: null,
      lagBytes: 0n,
      lagMs: 3,
      sourceEpoch: 1n as Epoch,
      sourceState: 'open',
    });
    // Not before it is true.
    await sink.query(`SELECT pg_sleep(0)`);
    expect(heard).toEqual([]);
    await sink.query('COMMIT');
    await next(`applied forward ${parseLsn('1/A')} 3`);
    await sink.end();
    await Promise.all(listeners.map((client) => client.end()));
  });

  it.each([
    undefined,
    '',
    'hello',
    '{}',
    '{"kind":"applied","extraction":"x"}',
    '{"kind":"other","extraction":"x"}',
    '[]',
  ])('leave alone what is not ours: %s', (payload) => {
    expect(parseNotice(payload)).toBeUndefined();
  });

  it('reads positions as positions', () => {
    expect(
      parseNotice(
        '{"kind":"applied","extraction":"x","direction":"reverse","applied":"16/B374D848","lagMs":1}',
      ),
    ).toEqual({
      kind: 'applied',
      extraction: 'x',
      direction: 'reverse',
      applied: parseLsn('16/B374D848'),
      lagMs: 1,
    });
    expect(
      parseNotice('{"kind":"applied","extraction":"x","direction":"reverse","applied":"nowhere","lagMs":1}'),
    ).toBeUndefined();
  });
});
