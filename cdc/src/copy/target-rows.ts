import { StranglerError } from '@strangler/errors';
import { qualified, type Sql } from '@strangler/postgres';
import type { TablePlan } from '../plan/index.ts';

/** The receiving tables that hold rows. */
export async function filledTables(
  target: Sql,
  plans: readonly Pick<TablePlan, 'target'>[],
): Promise<string[]> {
  const filled: string[] = [];
  for (const plan of plans) {
    const table = qualified(plan.target);
    const { rows } = await target.query(`SELECT EXISTS (SELECT FROM ${table}) AS filled`);
    if (rows[0]?.['filled'] === 't') filled.push(table);
  }
  return filled;
}

/**
 * Deletes every row of the receiving tables, in one transaction. DELETE, since TRUNCATE fails under foreign keys.
 * `target` connects as apply under the replica role: nothing cascades, no trigger of the application fires.
 */
export async function deleteRows(target: Sql, plans: readonly Pick<TablePlan, 'target'>[]): Promise<void> {
  await target.query('BEGIN');
  for (const plan of plans) await target.query(`DELETE FROM ${qualified(plan.target)}`);
  await target.query('COMMIT');
}

/**
 * Ends what a copy left in the server: a session whose client is gone may still wait for a lock with all its rows in
 * hand, and would commit them after we have deleted, or into the next copy. `target` carries the name under which each copy connects.
 */
export async function endFormerCopies(target: Sql): Promise<void> {
  const { rows } = await target.query(
    `SELECT pid, pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity
      WHERE datname = current_database() AND usename = session_user AND pid <> pg_backend_pid()
        AND application_name = current_setting('application_name')`,
  );
  const stuck = rows.filter((row) => row['ended'] !== 't').map((row) => row['pid']);
  if (stuck.length === 0) return;
  throw new StranglerError(
    'COPY_FAILED',
    `Process ${stuck.join(', ')} of a former copy does not end.`,
    'Look for it in pg_stat_activity of the service, then run `strangler sync` again.',
  );
}

export function notEmpty(filled: readonly string[]): StranglerError {
  return new StranglerError(
    'TARGET_NOT_EMPTY',
    `${filled.join(', ')} of the service ${filled.length === 1 ? 'holds' : 'hold'} rows that no copy of ours made.`,
    'Empty the tables of the extraction in the service, or correct the config.',
  );
}
