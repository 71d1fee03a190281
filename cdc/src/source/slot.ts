import { pause, StranglerError } from '@strangler/errors';
import { formatLsn, type Lsn, parseLsn, type Sql } from '@strangler/postgres';
import { z } from 'zod';
import { slotLost } from './reader.ts';

/** What a slot keeps its server from throwing away, and whether it can still go on. */
export interface SlotHealth {
  readonly slot: string;
  readonly active: boolean;
  /** WAL that the server keeps for this slot. */
  readonly retainedBytes: bigint;
  /** pg_replication_slots.wal_status: reserved, extended, unreserved or lost. */
  readonly walStatus: string;
  readonly confirmed: Lsn;
  /** Why the server gave the slot up, if it did. */
  readonly invalid: string | null;
}

const row = z.object({
  active: z.enum(['t', 'f']).transform((value) => value === 't'),
  retained: z.coerce.bigint(),
  wal_status: z.string().nullable(),
  confirmed: z.string().transform(parseLsn),
  invalid: z.string().nullable(),
});

/** The slot's health, or undefined when there is no such slot in this database. */
export async function slotHealth(source: Sql, slot: string): Promise<SlotHealth | undefined> {
  const { rows } = await source.query(
    `SELECT s.active, s.wal_status, coalesce(s.confirmed_flush_lsn, '0/0') AS confirmed,
            coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)::bigint AS retained,
            to_jsonb(s) ->> 'invalidation_reason' AS invalid
       FROM pg_replication_slots s
      WHERE s.slot_name = $1 AND s.database = current_database() AND s.plugin = 'pgoutput'`,
    [slot],
  );
  if (!rows[0]) return undefined;
  const { active, retained, wal_status, confirmed, invalid } = row.parse(rows[0]);
  return { slot, active, retainedBytes: retained, walStatus: wal_status ?? 'lost', confirmed, invalid };
}

/**
 * Refuses a slot that cannot give everything after the checkpoint.
 * @throws StranglerError SLOT_LOST (trap 16) or TARGET_BEHIND_SLOT (trap 18).
 */
export async function checkSlot(source: Sql, slot: string, applied: Lsn): Promise<void> {
  const health = await checkSlotThere(source, slot);
  if (health.confirmed > applied) {
    throw new StranglerError(
      'TARGET_BEHIND_SLOT',
      `The slot ${slot} has confirmed ${formatLsn(health.confirmed)}, but the target has applied only ${formatLsn(applied)}: it was restored from a backup, or something else read the slot.`,
      'Changes in between are gone: run `strangler cancel`, then `strangler sync`.',
    );
  }
  const { rows } = await source.query(
    `SELECT pg_current_wal_lsn() AS here, pg_current_wal_lsn() < $1::pg_lsn AS behind`,
    [formatLsn(applied)],
  );
  if (rows[0]?.['behind'] === 't') {
    throw new StranglerError(
      'SLOT_LOST',
      `The source is at ${rows[0]['here']}, before what the target has applied (${formatLsn(applied)}): it was restored, or a standby without the last changes was promoted.`,
      'Compare the sides with `strangler verify`; then `strangler cancel` and `strangler sync`.',
    );
  }
}

/** Refuses a slot that is gone or was given up (trap 16). A connector confirms what is in Kafka, ahead of the target. @throws StranglerError SLOT_LOST */
export async function checkSlotThere(source: Sql, slot: string): Promise<SlotHealth> {
  const health = await slotHealth(source, slot);
  if (!health) throw slotLost(slot, 'it is not there');
  if (health.walStatus === 'lost' || health.invalid !== null)
    throw slotLost(slot, `the server gave it up (${health.invalid ?? 'its WAL was removed'})`);
  return health;
}

/** Ends whoever still reads the slot (a frozen sink's walsender), and waits until it is free. */
export async function freeSlot(source: Sql, slot: string, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { rows } = await source.query(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL`,
      [slot],
    );
    if (rows.length === 0) return;
    await pause(50, signal);
  }
  throw new StranglerError(
    'DATABASE_UNREACHABLE',
    `Another process still reads the slot ${slot} after 5 s.`,
    'See pg_stat_activity for a walsender of another program, and end it.',
  );
}
