import { once } from 'node:events';
import { waitFor } from '@strangler/errors';
import { openSide, setStage } from '@strangler/ledger';
import pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { closeSide, copyAll } from '../../../cdc/test/follow.ts';
import { makeSides, type Sides } from '../../../cdc/test/sides.ts';
import { cancel } from './cancel.ts';

const table = 'CREATE TABLE t (id bigserial PRIMARY KEY, v text)';
const filled = `${table}; INSERT INTO t (v) VALUES ('somebody''s')`;
let sides: Sides;

const stage = (to: 'copying' | 'following') =>
  sides.as('monolith', 'operator', async (sql) => setStage(sql, 'x', to, 'hash'));
const cancelled = () =>
  cancel(sides.config, sides.extraction, { actor: 'test', signal: new AbortController().signal });
const rowsOfService = () => sides.service.query('SELECT v FROM t');

/** The service comes to own, as by a switch that ends now. */
async function serviceOpens(): Promise<void> {
  const decided = await closeSide(sides, 'monolith');
  await sides.as('service', 'apply', async (sql) => openSide(sql, 'x', decided));
}

/** Holds `work` up at a lock of the monolith's until `meanwhile` is done. */
async function heldUp<T>(lock: string, work: () => Promise<T>, meanwhile: () => Promise<void>): Promise<T> {
  const holder = new pg.Client(sides.monolith.url());
  await holder.connect();
  await holder.query(`BEGIN; ${lock}`);
  const [outcome] = await Promise.allSettled([
    work(),
    (async () => {
      await waitFor(
        async () => {
          const waiting = await sides.monolith.query(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          return waiting.length > 0 ? true : undefined;
        },
        { timeoutMs: 10_000, what: 'cancel to wait' },
      );
      await meanwhile();
      const ended = once(holder, 'end');
      await holder.end();
      await ended;
    })(),
  ]);
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

describe('cancel', () => {
  beforeEach(async () => {
    sides = await makeSides({ monolith: filled, service: table, tables: { t: {} } });
    await copyAll(sides);
    await stage('following');
  });

  test('takes our copy away, and the ledger with it', async () => {
    expect(await cancelled()).toEqual({ cancelled: true, ledgerRemoved: true });
    expect(await rowsOfService()).toEqual([]);
    expect(await sides.monolith.query('SELECT v FROM t')).toHaveLength(1);
  });

  test('trap 47: a switch that ends while it waits for the run makes it refuse, and nothing is changed', async () => {
    const work = heldUp('LOCK TABLE strangler.run', cancelled, serviceOpens);
    await expect(work).rejects.toMatchObject({ code: 'STAGE_WRONG' });
    expect(await rowsOfService()).toHaveLength(1);
    expect(await sides.monolith.query('SELECT stage FROM strangler.extraction')).toEqual([
      { stage: 'following' },
    ]);
  });

  test('trap 46: a service that a forgotten command lets open meanwhile keeps its rows', async () => {
    const work = heldUp('LOCK TABLE t IN ACCESS SHARE MODE', cancelled, serviceOpens);
    await expect(work).rejects.toMatchObject({
      code: 'STAGE_WRONG',
      fact: expect.stringContaining('its rows were left alone'),
    });
    expect(await rowsOfService()).toHaveLength(1);
  });
});

test('rows of the service that no copy of ours made survive a cancel', async () => {
  sides = await makeSides({ monolith: table, service: filled, tables: { t: {} } });
  await sides.prepare();
  await stage('copying');
  expect(await cancelled()).toMatchObject({ cancelled: true });
  expect(await rowsOfService()).toHaveLength(1);
});
