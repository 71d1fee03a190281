import { dropGrown, dropSlot } from '@strangler/cdc';
import type { Config, Extraction } from '@strangler/config';
import { StranglerError, waitFor } from '@strangler/errors';
import {
  type Direction,
  directionFrom,
  isOpen,
  ledgerExists,
  type Ownership,
  originName,
  publicationName,
  readCheckpoint,
  readExtraction,
  readFacades,
  readOwnership,
  recordEvent,
  type Side,
  setStage,
  slotName,
} from '@strangler/ledger';
import { migrateDown } from '@strangler/migrations';
import { connect, ident, qualified, roleUrl, type Sql } from '@strangler/postgres';
import type pg from 'pg';
import { databaseOf, openDatabases } from '../databases.ts';
import { holdRun } from '../hold-run.ts';
import { relationsToFence, unfence } from '../sync/prepare.ts';

export interface CancelResult {
  /** False when there was nothing to cancel. */
  readonly cancelled: boolean;
  /** Whether the ledger went too, because no other extraction uses it. */
  readonly ledgerRemoved: boolean;
}

/**
 * Undoes a sync while the monolith owns: reads go home, then triggers, slots, publications, marks, copied rows and the
 * ledger's rows go. What stays in the monolith's database is the empty schema `strangler` and the DBA's grants.
 * @throws StranglerError STAGE_WRONG while the service owns or may be about to.
 */
export async function cancel(
  config: Config,
  extraction: Extraction,
  options: { actor: string; signal: AbortSignal },
): Promise<CancelResult> {
  const { actor, signal } = options;
  await using operator = await openDatabases(config, extraction, 'operator', 'cancel');
  const home = operator.monolith;
  if (!(await ledgerExists(home))) return { cancelled: false, ledgerRemoved: false };
  const row = await readExtraction(home, extraction.name);
  const ownership = await readOwnership(home, extraction.name);
  refuseUnlessOpen(extraction, ownership);
  if (row || ownership) {
    await holdRun(
      home,
      { extraction: extraction.name, verb: 'cancel', actor, plan: ['reads home', 'undo'] },
      async (run) => {
        // Asked again: until now somebody else's switch may have held the run.
        refuseUnlessOpen(extraction, await readOwnership(home, extraction.name));
        await recordEvent(home, { extraction: extraction.name, actor, what: 'cancel' });
        await run.at('reads home');
        await setStage(home, extraction.name, 'planned', config.hash);
        await readsAreHome(home, extraction, signal);
        await run.at('undo');
        await undo(config, extraction, signal);
      },
    );
  }
  const ledgerRemoved = await removeLedgerIfUnused(config, extraction, home);
  return { cancelled: row !== undefined || ownership !== undefined, ledgerRemoved };
}

/** What the service holds may be deleted only while the monolith's rows are the truth. */
function refuseUnlessOpen(extraction: Extraction, monolith: Ownership | undefined): void {
  if (!monolith || isOpen(monolith)) return;
  throw new StranglerError(
    'STAGE_WRONG',
    monolith.state === 'closing'
      ? `A switch of ${extraction.name} is under way.`
      : `The service owns the tables of ${extraction.name}, or is about to.`,
    monolith.state === 'closing'
      ? 'Wait for it to end.'
      : `Run \`strangler reverse ${extraction.name}\` first.`,
  );
}

/** Every facade has refreshed its view since the stage was put back. */
async function readsAreHome(home: Sql, extraction: Extraction, signal: AbortSignal): Promise<void> {
  const { rows } = await home.query('SELECT clock_timestamp() AS now');
  const since = rows[0]?.['now'];
  await waitFor(
    async () => {
      const live = (await readFacades(home, extraction.name)).filter((facade) => !facade.expired);
      const stale = await home.query(
        `SELECT count(*) AS n FROM strangler.facade WHERE extraction = $1 AND id = ANY ($2) AND last_seen <= $3`,
        [extraction.name, live.map((facade) => facade.id), since],
      );
      return stale.rows[0]?.['n'] === '0' ? true : undefined;
    },
    { timeoutMs: 10_000, everyMs: 50, what: 'a new view of every facade', signal },
  );
}

async function undo(config: Config, extraction: Extraction, signal: AbortSignal): Promise<void> {
  await using admin = await openDatabases(config, extraction, 'admin', 'cancel');
  const sides = ['monolith', 'service'] as const satisfies Side[];
  const copied = await wasCopied(admin, config, extraction);
  // The monolith's triggers first: whatever fails afterwards, its writers are free.
  for (const side of sides) await dropFences(admin[side], extraction, side);
  for (const side of sides) {
    const arriving = side === 'service' ? 'forward' : 'reverse';
    const checkpoint = await readCheckpoint(admin[side], extraction.name, arriving);
    // Before the slot, which the connector holds.
    if (checkpoint) await dropGrown(config, checkpoint, signal);
  }
  for (const side of sides) await dropStream(admin[side], config, extraction, side);
  // Only a stream opens the service, and none is left. One that did so before, by a decision of a command that had been
  // forgotten, has made its rows the truth.
  const service = await readOwnership(admin.service, extraction.name);
  if (service && service.state !== 'closed') {
    throw new StranglerError(
      'STAGE_WRONG',
      `The service has become the owner of ${extraction.name} meanwhile; its rows were left alone.`,
      'Stop writes to both sides and compare their rows before you go on: their streams are gone.',
    );
  }
  if (copied) await deleteCopiedRows(extraction);
  for (const side of sides) {
    for (const table of ['ownership', 'checkpoint', 'violation']) {
      await admin[side].query(`DELETE FROM strangler.${table} WHERE extraction = $1`, [extraction.name]);
    }
  }
  await admin.monolith.query(`DELETE FROM strangler.facade WHERE extraction = $1`, [extraction.name]);
  await admin.monolith.query(`DELETE FROM strangler.extraction WHERE name = $1`, [extraction.name]);
}

/** Whether a copy of ours has begun: else the rows of the service are somebody's, as `sync` says when it refuses them. */
async function wasCopied(admin: Record<Side, Sql>, config: Config, extraction: Extraction): Promise<boolean> {
  if (await readCheckpoint(admin.service, extraction.name, 'forward')) return true;
  const { rows } = await admin.monolith.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [
    slotName(config.environment, extraction.name, 'forward'),
  ]);
  return rows.length > 0;
}

async function dropFences(admin: pg.Client, extraction: Extraction, side: Side): Promise<void> {
  for (const relation of await relationsToFence(admin, extraction, side)) await unfence(admin, relation);
}

async function dropStream(admin: Sql, config: Config, extraction: Extraction, side: Side): Promise<void> {
  const leaving = directionFrom[side];
  const arriving: Direction = leaving === 'forward' ? 'reverse' : 'forward';
  // A stream that has not noticed yet may take its slot up again once: hence again.
  await untilUnused(`the end of the ${leaving} stream`, () =>
    dropSlot(databaseOf(config, extraction, side), slotName(config.environment, extraction.name, leaving)),
  );
  await admin.query(
    `DROP PUBLICATION IF EXISTS ${ident(publicationName(config.environment, extraction.name))}`,
  );
  // A sink of the arriving stream may still be connected: its origin is in use until it is gone.
  await admin.query(
    `SELECT pg_terminate_backend(a.pid) FROM strangler.checkpoint c JOIN pg_stat_activity a ON a.pid = c.pid AND a.backend_start = c.backend_start
      WHERE c.extraction = $1 AND c.direction = $2`,
    [extraction.name, arriving],
  );
  await untilUnused(`the end of the ${arriving} stream`, async () => {
    await admin.query(
      'SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname = $1',
      [originName(config.environment, extraction.name, arriving)],
    );
  });
}

/** Repeats `drop` while PostgreSQL says that its object is in use (55006). */
async function untilUnused(what: string, drop: () => Promise<void>): Promise<void> {
  await waitFor(
    async () => {
      try {
        await drop();
        return true;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === '55006') return undefined;
        throw error;
      }
    },
    { timeoutMs: 10_000, everyMs: 100, what },
  );
}

/** The service's rows are our copy; the monolith has the originals. DELETE, since TRUNCATE would meet foreign keys. */
async function deleteCopiedRows(extraction: Extraction): Promise<void> {
  const apply = await connect({ url: extraction.service.database, role: 'apply', name: 'cancel' });
  try {
    await apply.query('BEGIN');
    await apply.query('SET LOCAL session_replication_role = replica');
    for (const { service } of extraction.tables) await apply.query(`DELETE FROM ${qualified(service)}`);
    await apply.query('COMMIT');
  } finally {
    await apply.end();
  }
}

async function removeLedgerIfUnused(config: Config, extraction: Extraction, home: Sql): Promise<boolean> {
  const { rows } = await home.query('SELECT count(*) AS n FROM strangler.extraction');
  if (rows[0]?.['n'] !== '0') return false;
  await migrateDown(roleUrl(config.monolith.database, 'admin'), 'monolith');
  await migrateDown(roleUrl(extraction.service.database, 'admin'), 'service');
  return true;
}
