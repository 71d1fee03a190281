import { exclusively } from '@strangler/cluster/testing';
import { waitFor } from '@strangler/errors';
import { epochOf, finishRun, readOwnership, setStage, startRun } from '@strangler/ledger';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { copyAll } from '../../../cdc/test/follow.ts';
import { makeSides, type Sides } from '../../../cdc/test/sides.ts';
import { openDatabases } from '../databases.ts';
import { isInDoubt, PerformSwitch } from './perform.ts';

const table = 'CREATE TABLE t (id bigserial PRIMARY KEY, v text)';

/** The effects of a switch to the service, on real databases; `work` drives them. */
async function performing(
  work: (effects: PerformSwitch, sides: Sides) => Promise<void>,
  unfinished?: string,
  limits = { drain: '100ms', fence: '100ms', hold: '800ms' },
): Promise<void> {
  const sides = await makeSides({ monolith: table, service: table, tables: { t: {} }, limits });
  await copyAll(sides);
  await sides.as('monolith', 'operator', async (sql) => setStage(sql, 'x', 'following', 'hash'));
  const { config } = sides;
  const extraction = { ...sides.extraction, ...(unfinished ? { unfinished: { monolith: unfinished } } : {}) };
  await using databases = await openDatabases(config, extraction, 'operator', 'test');
  const request = { extraction: 'x', verb: 'switch', holder: 'test', leaseMs: 60_000, plan: [] };
  const run = await startRun(databases.monolith, request);
  const effects = new PerformSwitch({
    config,
    extraction,
    databases,
    run: { ...run, at: async () => {} },
    actor: 'test',
    to: 'service',
    ownerEpoch: (await readOwnership(databases.monolith, 'x'))?.epoch ?? epochOf.parse(0),
    accept: { gates: [], reason: '' },
    onGates: () => {},
    signal: AbortSignal.timeout(20_000),
  });
  await work(effects, sides);
  await finishRun(databases.monolith, run, 'failed');
}

const stateOf = (sides: Sides) => sides.monolith.query('SELECT state FROM strangler.ownership');

describe('a switch that is held up before its fence', () => {
  test('trap 46: does not fence what facades have let go meanwhile', async () => {
    await performing(async (effects, sides) => {
      await effects.hold();
      await effects.drain();
      await waitFor(
        async () => {
          const over = await sides.monolith.query(
            'SELECT FROM strangler.run WHERE hold_until < clock_timestamp()',
          );
          return over.length > 0 ? true : undefined;
        },
        { timeoutMs: 5_000, what: 'the hold to be over' },
      );
      await expect(effects.fence()).rejects.toMatchObject({ code: 'DRAIN_TIMEOUT' });
      expect(await stateOf(sides)).toEqual([{ state: 'open' }]);
    });
  });

  test('fences within the hold, and takes it back', async () => {
    await performing(async (effects, sides) => {
      await effects.hold();
      await effects.drain();
      await effects.fence();
      expect(await stateOf(sides)).toEqual([{ state: 'closing' }]);
      await effects.reopen();
      expect(await stateOf(sides)).toEqual([{ state: 'open' }]);
    });
  });

  test('trap 43: a question for unfinished steps that waits for a lock ends with the drain', async () => {
    await performing(async (effects, sides) => {
      const locker = new pg.Client(sides.monolith.url());
      await locker.connect();
      await locker.query('BEGIN; LOCK TABLE t');
      await effects.hold();
      await expect(effects.drain()).rejects.toMatchObject({
        code: 'DRAIN_TIMEOUT',
        fact: expect.stringContaining('was not answered'),
      });
      await locker.end();
    }, 'SELECT count(*) FROM public.t');
  });

  test('a question that would write is refused by the database', async () => {
    await performing(async (effects) => {
      await effects.hold();
      await expect(effects.drain()).rejects.toMatchObject({ code: '25006' });
    }, `DELETE FROM public.t RETURNING 0`);
  });
});

test('a decision whose database went away says that its outcome is not known', async () => {
  const decideInDoubt = async (effects: PerformSwitch, sides: Sides) => {
    await effects.hold();
    await effects.fence();
    const locker = new pg.Client(sides.monolith.url());
    await locker.connect();
    await locker.query(`SELECT pg_advisory_lock(21332, hashtext('x'))`);
    const refused = expect(effects.decide()).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      fact: expect.stringContaining('is not known'),
    });
    const database = new URL(sides.monolith.url()).pathname.slice(1);
    const deciding = `FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'SELECT strangler.decide%'`;
    await waitFor(
      async () => ((await locker.query(`SELECT ${deciding}`, [database])).rowCount === 1 ? true : undefined),
      { timeoutMs: 5_000, what: 'the decision to wait' },
    );
    const allow = (allowed: boolean) =>
      exclusively('monolith', async (client) =>
        client.query(`ALTER DATABASE ${pg.escapeIdentifier(database)} ALLOW_CONNECTIONS ${allowed}`),
      );
    await allow(false);
    try {
      await locker.query(`SELECT pg_terminate_backend(pid) ${deciding}`, [database]);
      await refused;
    } finally {
      await allow(true);
      await locker.end();
    }
  };
  const limits = { drain: '100ms', fence: '5s', hold: '9s' };
  // Its connection is gone: the run lapses by itself.
  await expect(performing(decideInDoubt, undefined, limits)).rejects.toThrow(
    /terminated|not queryable|closed/,
  );
});

describe('whether a failed decision may have been committed', () => {
  const failure = (code: string) => Object.assign(new pg.DatabaseError('failed', 6, 'error'), { code });

  test.each(['57P01', '57P02', '57P03', '08006'])('%s: the server or the connection went away', (code) => {
    expect(isInDoubt(failure(code))).toBe(true);
  });
  test('a lost connection has no state', () => {
    expect(isInDoubt(new Error('Connection terminated unexpectedly'))).toBe(true);
  });
  test.each(['SF004', '55P03', '57014'])('%s: the database said no', (code) => {
    expect(isInDoubt(failure(code))).toBe(false);
  });
});
