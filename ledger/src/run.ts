import { StranglerError } from '@strangler/errors';
import type { Sql } from '@strangler/postgres';
import { z } from 'zod';
import { notifyLedger } from './extraction.ts';
import type { Epoch } from './ownership.ts';

/** The right to act on an extraction, held by one command at a time and renewed while it works. */
export interface Run {
  readonly id: string;
  readonly extraction: string;
}

export type Outcome = 'done' | 'refused' | 'failed';
const runRow = z.object({ id: z.string(), verb: z.string(), holder: z.string() });

/**
 * Begins a run. One whose lease is over has lapsed and makes room.
 * @throws StranglerError RUN_HELD when somebody else holds it.
 */
export async function startRun(
  home: Sql,
  request: { extraction: string; verb: string; holder: string; leaseMs: number; plan: readonly string[] },
): Promise<Run> {
  const { extraction, verb, holder, leaseMs, plan } = request;
  await home.query(
    `UPDATE strangler.run SET outcome = 'lapsed', finished_at = clock_timestamp(), hold_until = NULL
      WHERE extraction = $1 AND outcome IS NULL AND lease_until < clock_timestamp()`,
    [extraction],
  );
  const { rows } = await home.query(
    `INSERT INTO strangler.run (extraction, verb, holder, plan, lease_until)
     VALUES ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond')
     ON CONFLICT (extraction) WHERE outcome IS NULL DO NOTHING RETURNING id`,
    [extraction, verb, holder, JSON.stringify(plan), leaseMs],
  );
  const id = rows[0]?.['id'];
  if (id !== undefined && id !== null) return { id, extraction };
  const active = await home.query(
    `SELECT id, verb, holder FROM strangler.run WHERE extraction = $1 AND outcome IS NULL`,
    [extraction],
  );
  const other = active.rows[0] ? runRow.parse(active.rows[0]) : undefined;
  throw new StranglerError(
    'RUN_HELD',
    `${other?.holder ?? 'Somebody else'} holds the run of ${extraction} (${other?.verb ?? 'just ended'}).`,
    'Wait for it to end; a run whose holder died lapses by itself within seconds.',
  );
}

/** Keeps the run and notes the step that it has reached. @throws StranglerError RUN_HELD when the run was lost. */
export async function renewRun(home: Sql, run: Run, leaseMs: number, step?: string): Promise<void> {
  const { rows } = await home.query(
    `UPDATE strangler.run SET lease_until = clock_timestamp() + $2 * interval '1 millisecond', step = coalesce($3, step)
      WHERE id = $1 AND outcome IS NULL RETURNING id`,
    [run.id, leaseMs, step ?? null],
  );
  if (rows.length === 0) {
    throw new StranglerError(
      'RUN_HELD',
      `This run of ${run.extraction} has lapsed.`,
      'Run the command again: it takes up what it finds.',
    );
  }
}

export async function finishRun(home: Sql, run: Run, outcome: Outcome): Promise<void> {
  await home.query(
    `UPDATE strangler.run SET outcome = $2, finished_at = clock_timestamp(), hold_until = NULL WHERE id = $1 AND outcome IS NULL`,
    [run.id, outcome],
  );
  await notifyLedger(home, run.extraction);
}

/** Step 2: asks every facade to hold writes until a side opens at an epoch later than `at`, for at most `holdMs`. */
export async function hold(home: Sql, run: Run, at: Epoch, holdMs: number): Promise<void> {
  await home.query(
    `UPDATE strangler.run SET hold_epoch = $2, hold_until = clock_timestamp() + $3 * interval '1 millisecond'
      WHERE id = $1 AND outcome IS NULL`,
    [run.id, at, holdMs],
  );
  await notifyLedger(home, run.extraction);
}

/** Ends the hold. */
export async function release(home: Sql, run: Run): Promise<void> {
  await home.query(`UPDATE strangler.run SET hold_until = NULL WHERE id = $1`, [run.id]);
  await notifyLedger(home, run.extraction);
}

/** Appends to the record of who did what, when, why. */
export async function recordEvent(
  home: Sql,
  event: { extraction: string | null; actor: string; what: string; detail?: unknown },
): Promise<void> {
  await home.query(`INSERT INTO strangler.event (extraction, actor, what, detail) VALUES ($1, $2, $3, $4)`, [
    event.extraction,
    event.actor,
    event.what,
    JSON.stringify(event.detail ?? {}),
  ]);
}
