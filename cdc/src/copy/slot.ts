import { messageOf, StranglerError } from '@strangler/errors';
import {
  type ConnectOptions,
  ident,
  type Lsn,
  parseLsn,
  replicationClient,
  type Sql,
} from '@strangler/postgres';
import type pg from 'pg';
import { z } from 'zod';
import { withConnection } from '../connection.ts';

/** A new slot, and the snapshot of exactly what lies before it. */
export interface ExportedSlot {
  readonly slot: string;
  /** The stream begins with the first transaction that the snapshot doesn't see. */
  readonly consistentPoint: Lsn;
  readonly snapshot: string;
  /** Ends the snapshot for new importers; the slot stays. */
  close(): Promise<void>;
}

const created = z.object({
  slot_name: z.string(),
  consistent_point: z.string().transform(parseLsn),
  snapshot_name: z.string(),
});

/**
 * Creates the logical slot that the stream will follow and keeps its exported snapshot open (trap 1). PostgreSQL waits
 * for every open transaction that has written, in any database of the server: `watch` is another connection, on which
 * we look for whom it waits.
 * @throws StranglerError DEADLINE, naming who is waited for (trap 67).
 */
export async function exportSlot(
  connection: ConnectOptions,
  slot: string,
  options: { watch: Sql; timeoutMs: number; onWait: (blockers: string) => void; signal: AbortSignal },
): Promise<ExportedSlot> {
  const client = replicationClient({
    ...connection,
    settings: {
      ...connection.settings,
      // A statement_timeout doesn't end this wait; a lock_timeout does, and leaves no slot.
      lock_timeout: `${options.timeoutMs}ms`,
      idle_in_transaction_session_timeout: '0',
    },
  });
  await client.connect();
  const waiting = watchBlockers(client, options);
  try {
    const { rows } = await client.query(
      `CREATE_REPLICATION_SLOT ${ident(slot)} LOGICAL pgoutput (SNAPSHOT 'export')`,
    );
    const found = created.parse(rows[0]);
    return {
      slot: found.slot_name,
      consistentPoint: found.consistent_point,
      snapshot: found.snapshot_name,
      close: async () => await client.end(),
    };
  } catch (error) {
    await client.end();
    options.signal.throwIfAborted();
    const blockers = waiting.blockers();
    if (blockers === undefined) throw error;
    throw slotTimeout(slot, options.timeoutMs, blockers, error);
  } finally {
    waiting.stop();
  }
}

export function slotTimeout(
  slot: string,
  timeoutMs: number,
  blockers: string,
  cause: unknown,
): StranglerError {
  return new StranglerError(
    'DEADLINE',
    `The slot ${slot} could not be made within ${timeoutMs} ms: PostgreSQL waits for ${blockers}.`,
    'End that transaction, or wait for it to end; then run the command again.',
    { cause },
  );
}

/** Looks twice a second for whom a backend waits; an abort of the signal ends the backend's statement. */
function watchBlockers(
  client: pg.Client,
  options: { watch: Sql; onWait: (blockers: string) => void; signal: AbortSignal },
): { blockers: () => string | undefined; stop: () => void } {
  const pid = backendOf(client);
  let last: string | undefined;
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const found = await blockersOf(options.watch, pid);
      if (found === undefined || found === last) return;
      last = found;
      options.onWait(found);
    } finally {
      looking = false;
    }
  };
  // The watch only explains; if it fails, the creation itself says what is wrong.
  const timer = setInterval(() => void look().catch(() => {}), 500);
  const abort = () => void options.watch.query('SELECT pg_terminate_backend($1)', [pid]).catch(() => {});
  options.signal.addEventListener('abort', abort, { once: true });
  return {
    blockers: () => last,
    stop: () => {
      clearInterval(timer);
      options.signal.removeEventListener('abort', abort);
    },
  };
}

/** pg keeps the backend's pid where its types don't show it. */
function backendOf(client: pg.Client): number {
  return z.object({ processID: z.number() }).parse(client).processID;
}

/** For whom a backend waits, in words; undefined = nobody. */
export async function blockersOf(sql: Sql, pid: number): Promise<string | undefined> {
  const { rows } = await sql.query(
    `SELECT string_agg(CASE WHEN b.pid = 0 THEN coalesce((SELECT 'the prepared transaction ' || string_agg(gid, ', ') FROM pg_prepared_xacts), 'a prepared transaction')
         ELSE 'process ' || b.pid || coalesce(' of ' || a.usename, '') || coalesce(' in database ' || a.datname, '')
           || coalesce(', open since ' || date_trunc('second', a.xact_start), '') END, '; ') AS blockers
       FROM unnest(pg_blocking_pids($1)) b (pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid`,
    [pid],
  );
  return rows[0]?.['blockers'] ?? undefined;
}

/** Drops a slot of ours, wherever it is; nothing happens if it isn't there. `url` as in the config. */
export async function dropSlot(url: string, slot: string): Promise<void> {
  await withConnection({ url, role: 'source', name: 'drop slot' }, async (sql) => removeSlot(sql, slot));
}

/** Drops a slot of ours if it is there; a walsender that still holds it is ended first. */
export async function removeSlot(sql: Sql, slot: string): Promise<void> {
  await sql.query(
    `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL`,
    [slot],
  );
  await sql.query(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
}

export async function slotExists(sql: Sql, slot: string): Promise<boolean> {
  const { rows } = await sql.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [slot]);
  return rows.length > 0;
}

/** A publication must be committed before its slot is made (trap 36). @throws StranglerError CHECK_FAILED. */
export async function requirePublication(sql: Sql, publication: string): Promise<void> {
  const { rows } = await sql.query('SELECT FROM pg_publication WHERE pubname = $1', [publication]);
  if (rows.length > 0) return;
  throw new StranglerError(
    'CHECK_FAILED',
    `There is no publication ${publication}.`,
    'Run `strangler sync`, which makes it before the slot.',
  );
}

/** What ended a copy, as COPY_FAILED; an error of ours says more and stays. `left`: why its rows could not be removed. */
export function failedCopy(error: unknown, left?: string): StranglerError {
  if (error instanceof StranglerError) return error;
  const where =
    typeof error === 'object' && error !== null && 'where' in error ? ` (${String(error.where)})` : '';
  const rest =
    left === undefined ? 'what it had copied was removed' : `what it had copied is still there: ${left}`;
  return new StranglerError(
    'COPY_FAILED',
    `The copy ended early: ${messageOf(error)}${where}; ${rest}.`,
    'Remove the cause and run `strangler sync` again: it starts from nothing.',
    { cause: error },
  );
}
