import { formatLsn, type Lsn, parseLsn, type Sql } from '@strangler/postgres';
import { z } from 'zod';
import { channel, type Direction, type Engine } from './names.ts';
import { type Epoch, epochOf, type OwnerState, ownerStates } from './ownership.ts';

/** How far a stream is applied in the database that receives it. */
export interface Checkpoint {
  readonly direction: Direction;
  readonly slot: string;
  readonly applied: Lsn;
  /** Source commit time of the last applied transaction, as text. */
  readonly commitTime: string | null;
  readonly lagBytes: bigint;
  /** By the sink, when it last wrote; add `ageMs` for the lag now. */
  readonly lagMs: number;
  /** Ownership of the source side, as of the applied position. */
  readonly sourceEpoch: Epoch;
  readonly sourceState: OwnerState;
  readonly lease: bigint;
  readonly holder: string | null;
  /** The sink's backend in the receiving database: only its notices are believed. */
  readonly pid: number | null;
  /** Since the sink last wrote, by the receiving database's clock. */
  readonly ageMs: number;
  /** Who read the slot last. */
  readonly engine: Engine;
  /** Part of the names of Debezium's connector and topic; null before there were any. */
  readonly attempt: string | null;
  /** The offset in the topic up to which everything is applied; null before the first record. */
  readonly bookmark: bigint | null;
  /** Why the stream stands still, if it does. */
  readonly stopped: string | null;
}

const row = z.object({
  direction: z.enum(['forward', 'reverse']),
  slot: z.string(),
  applied: z.string().transform(parseLsn),
  commit_time: z.string().nullable(),
  lag_bytes: z.coerce.bigint(),
  lag_ms: z.coerce.number(),
  source_epoch: epochOf,
  source_state: z.enum(ownerStates),
  lease: z.coerce.bigint(),
  holder: z.string().nullable(),
  pid: z.coerce.number().nullable(),
  age_ms: z.coerce.number(),
  engine: z.enum(['embedded', 'debezium']),
  attempt: z.string().nullable(),
  bookmark: z.coerce.bigint().nullable(),
  stopped: z.string().nullable(),
});

/** What `checkpointFrom` reads; for a statement that selects FROM strangler.checkpoint. */
export const checkpointColumns = `direction, slot, applied, commit_time::text AS commit_time, lag_bytes, lag_ms,
  source_epoch, source_state, lease, holder, pid, stopped, engine, attempt, bookmark,
  (extract(epoch FROM clock_timestamp() - renewed_at) * 1000)::bigint AS age_ms`;

/** Reads such a row, whether as texts or out of JSON. */
export function checkpointFrom(value: unknown): Checkpoint {
  const { commit_time, lag_bytes, lag_ms, source_epoch, source_state, age_ms, ...rest } = row.parse(value);
  return {
    ...rest,
    commitTime: commit_time,
    lagBytes: lag_bytes,
    lagMs: lag_ms,
    sourceEpoch: source_epoch,
    sourceState: source_state,
    ageMs: age_ms,
  };
}

/** The checkpoint of the stream that arrives in this database, or undefined before the copy. */
export async function readCheckpoint(
  sql: Sql,
  extraction: string,
  direction: Direction,
): Promise<Checkpoint | undefined> {
  const { rows } = await sql.query(
    `SELECT ${checkpointColumns} FROM strangler.checkpoint WHERE extraction = $1 AND direction = $2`,
    [extraction, direction],
  );
  return rows[0] ? checkpointFrom(rows[0]) : undefined;
}

/** Makes the row that a stream starts from: the slot's consistent point, and what the source side is there. */
export async function createCheckpoint(
  sql: Sql,
  extraction: string,
  start: { direction: Direction; slot: string; applied: Lsn; sourceEpoch: Epoch; sourceState: OwnerState },
): Promise<void> {
  await sql.query(
    `INSERT INTO strangler.checkpoint (extraction, direction, slot, applied, source_epoch, source_state)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [extraction, start.direction, start.slot, formatLsn(start.applied), start.sourceEpoch, start.sourceState],
  );
}

/**
 * Takes the stream over: whoever held it before finds another lease and ends (trap 33). Its backend, if it still has a
 * transaction open, is terminated, so that a frozen sink cannot block us. Returns the new lease.
 */
export async function takeLease(
  sql: Sql,
  extraction: string,
  direction: Direction,
  holder: string,
): Promise<bigint> {
  await sql.query(
    `SELECT pg_terminate_backend(a.pid) FROM strangler.checkpoint c
       JOIN pg_stat_activity a ON a.pid = c.pid AND a.backend_start = c.backend_start
      WHERE c.extraction = $1 AND c.direction = $2 AND a.pid <> pg_backend_pid()`,
    [extraction, direction],
  );
  const { rows } = await sql.query(
    `UPDATE strangler.checkpoint
        SET lease = lease + 1, holder = $3, pid = pg_backend_pid(), stopped = NULL, renewed_at = clock_timestamp(),
            backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
      WHERE extraction = $1 AND direction = $2 RETURNING lease`,
    [extraction, direction, holder],
  );
  return z.coerce.bigint().parse(rows[0]?.['lease']);
}

/** Whether a sink carries the stream now: its session is there, and it has written within `silentMs`. */
export async function isCarried(
  sql: Sql,
  extraction: string,
  direction: Direction,
  silentMs: number,
): Promise<boolean> {
  const { rows } = await sql.query(
    `SELECT EXISTS (SELECT FROM strangler.checkpoint c
       JOIN pg_stat_activity a ON a.pid = c.pid AND a.backend_start = c.backend_start
      WHERE c.extraction = $1 AND c.direction = $2
        AND c.renewed_at > clock_timestamp() - $3 * interval '1 millisecond') AS carried`,
    [extraction, direction, silentMs],
  );
  return rows[0]?.['carried'] === 't';
}

/** What the sink knows when it moves its checkpoint. */
export interface Progress {
  readonly extraction: string;
  readonly direction: Direction;
  readonly lease: bigint;
  readonly applied: Lsn;
  /** Source commit time as text; null keeps the former. */
  readonly commitTime: string | null;
  readonly lagBytes: bigint;
  readonly lagMs: number;
  readonly sourceEpoch: Epoch;
  readonly sourceState: OwnerState;
  /** The offset in the topic that belongs to `applied`; null keeps the former. */
  readonly bookmark?: bigint | null;
}

/** The one statement that moves a checkpoint: FIRST in each apply transaction. No row = the lease is lost: roll back and end. */
export const advanceSql = `
  UPDATE strangler.checkpoint
     SET applied = $4, commit_time = coalesce($5, commit_time), lag_bytes = $6, lag_ms = $7,
         source_epoch = $8, source_state = $9, bookmark = coalesce($10::bigint, bookmark), renewed_at = clock_timestamp()
   WHERE extraction = $1 AND direction = $2 AND lease = $3 AND applied <= $4
  RETURNING pg_notify('${channel}', json_build_object('kind', 'applied', 'extraction', extraction, 'direction', direction,
    'applied', applied::text, 'lagMs', lag_ms)::text) IS NULL AS moved`;

export function advanceValues(progress: Progress): unknown[] {
  return [
    progress.extraction,
    progress.direction,
    progress.lease,
    formatLsn(progress.applied),
    progress.commitTime,
    progress.lagBytes,
    progress.lagMs,
    progress.sourceEpoch,
    progress.sourceState,
    progress.bookmark?.toString() ?? null,
  ];
}

/** True if the checkpoint moved; false if the lease is lost. */
export async function advance(sql: Sql, progress: Progress): Promise<boolean> {
  const { rows } = await sql.query(advanceSql, advanceValues(progress));
  return rows.length === 1;
}

/** Writes down who reads the slot from now on. False if the lease is lost. */
export async function useEngine(
  sql: Sql,
  stream: { extraction: string; direction: Direction; lease: bigint },
  engine: Engine,
  attempt: string | null,
): Promise<boolean> {
  const { rows } = await sql.query(
    `UPDATE strangler.checkpoint SET engine = $4, attempt = $5, bookmark = NULL
      WHERE extraction = $1 AND direction = $2 AND lease = $3 RETURNING engine`,
    [stream.extraction, stream.direction, stream.lease, engine, attempt],
  );
  return rows.length === 1;
}

/** Says in the ledger why a stream stands still. */
export async function stopStream(
  sql: Sql,
  stream: { extraction: string; direction: Direction; lease: bigint },
  why: string,
): Promise<void> {
  await sql.query(
    `UPDATE strangler.checkpoint SET stopped = $4 WHERE extraction = $1 AND direction = $2 AND lease = $3`,
    [stream.extraction, stream.direction, stream.lease, why],
  );
}

/** Records a row that a writer got past the fence. In the apply transaction, so that each is recorded once. */
export async function recordViolation(
  sql: Sql,
  violation: {
    extraction: string;
    direction: Direction;
    position: Lsn;
    relation: string;
    operation: string;
    key: Record<string, string | null>;
  },
): Promise<void> {
  await sql.query(
    `INSERT INTO strangler.violation (extraction, direction, position, relation, operation, key) VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      violation.extraction,
      violation.direction,
      formatLsn(violation.position),
      violation.relation,
      violation.operation,
      JSON.stringify(violation.key),
    ],
  );
}

/** How many violations arrived in this database that nobody has looked at yet. */
export async function openViolations(sql: Sql, extraction: string): Promise<number> {
  const { rows } = await sql.query(
    `SELECT count(*) AS n FROM strangler.violation WHERE extraction = $1 AND resolved_at IS NULL`,
    [extraction],
  );
  return Number(rows[0]?.['n']);
}
