import { isAbort, messageOf, pause } from '@strangler/errors';
import { giveUpExtraction, readOwnership, slotName, sourceOf } from '@strangler/ledger';
import { connect, type Sql, SqlPool } from '@strangler/postgres';
import pg from 'pg';
import type { Logger } from 'pino';
import { freeSlot, type SlotHealth, slotHealth } from '../source/index.ts';
import { databaseOf, type StreamName } from './session.ts';

/** Shares of the WAL budget, in percent, at which a person is told. */
const warnShares = [90, 75, 50] as const;
const everyMs = 2_000;

/** The highest of 50, 75, 90 and 100 percent of the budget that the slot has reached; 0 below. */
export function budgetShare(retainedBytes: bigint, budgetBytes: bigint): number {
  const percent = Number((retainedBytes * 100n) / budgetBytes);
  return percent >= 100 ? 100 : (warnShares.find((share) => percent >= share) ?? 0);
}

/**
 * Watches what a stream's slot makes its server keep, apart from the stream: the slot grows most when the stream cannot
 * run. At the whole budget it protects the disk (invariant 11): the slot goes, and if its side owns, the extraction is
 * lost. After a switch the monolith's slot carries no data: the stream back runs on without it, and only the way
 * forward a second time needs a new copy. Returns when that has happened, or the signal aborts.
 */
export async function guardBudget(stream: StreamName, log: Logger, signal: AbortSignal): Promise<void> {
  const source = new SqlPool({
    url: databaseOf(stream, sourceOf[stream.direction]),
    role: 'source',
    name: `budget ${stream.direction} ${stream.extraction.name}`,
    max: 1,
  });
  const watched = { log, warned: 0 };
  try {
    while (!signal.aborted) {
      try {
        if (await overBudget(stream, source, watched, signal)) return;
      } catch (error) {
        if (signal.aborted || isAbort(error)) return;
        log.warn({ extraction: stream.extraction.name, error: messageOf(error) }, 'cannot read the slot');
      }
      await pause(everyMs, signal).catch(() => {});
    }
  } finally {
    await source.end();
  }
}

/** One look at the slot; true when the extraction was given up. */
async function overBudget(
  stream: StreamName,
  source: SqlPool,
  watched: { readonly log: Logger; warned: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { config, extraction, direction } = stream;
  const health = await slotHealth(source, slotName(config.environment, extraction.name, direction));
  if (!health) return false;
  const share = budgetShare(health.retainedBytes, extraction.limits.walBytes);
  const detail = {
    extraction: extraction.name,
    direction,
    percent: share,
    retainedBytes: health.retainedBytes.toString(),
  };
  if (share > watched.warned) watched.log.warn(detail, 'the slot uses much of its WAL budget');
  watched.warned = share;
  if (share < 100) return false;
  const here = await readOwnership(source, extraction.name);
  const owns = here !== undefined && here.state !== 'closed';
  // The service's slot is needed for the way back, and its disk is the service's own matter until it owns.
  if (!owns && direction === 'reverse') return false;
  watched.log.error(detail, 'the slot is over its WAL budget and is dropped');
  await dropSlot(source, health.slot);
  if (owns) await markLost(stream, health, watched.log, signal);
  return true;
}

/** Until it is said: the ledger's home may be the database that does not answer. */
async function markLost(
  stream: StreamName,
  health: SlotHealth,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const why = `The slot ${health.slot} kept ${health.retainedBytes} bytes of WAL, its budget is ${stream.extraction.limits.walBytes}: it was dropped.`;
  while (!signal.aborted) {
    try {
      const home = await connect({ url: databaseOf(stream, 'monolith'), role: 'apply', name: 'give up' });
      await giveUpExtraction(home, stream.extraction.name, why).finally(() => home.end());
      return;
    } catch (error) {
      log.warn(
        { extraction: stream.extraction.name, error: messageOf(error) },
        'cannot mark the extraction lost',
      );
      await pause(everyMs, signal).catch(() => {});
    }
  }
}

/** The stream may come back to its slot between our ending it and our dropping it. */
async function dropSlot(source: Sql, slot: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await freeSlot(source, slot, AbortSignal.timeout(10_000));
    try {
      await source.query('SELECT pg_drop_replication_slot($1)', [slot]);
      return;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== '55006' || tries === 20) throw error;
    }
  }
}
