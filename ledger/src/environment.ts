import { StranglerError } from '@strangler/errors';
import type { Sql } from '@strangler/postgres';
import type { Side } from './names.ts';

const identitySql = `SELECT (SELECT system_identifier FROM pg_control_system())::text AS system_identifier, current_database() AS database`;

/** Binds the ledger to this database, once. */
export async function bindEnvironment(sql: Sql, name: string, side: Side): Promise<void> {
  await sql.query(
    `INSERT INTO strangler.environment (name, side, system_identifier, database)
     SELECT $1, $2, system_identifier, database FROM (${identitySql}) identity ON CONFLICT DO NOTHING`,
    [name, side],
  );
}

/**
 * Refuses to act on a restored copy, another environment's database, or swapped databases (traps 19 and 48).
 * @throws StranglerError ENVIRONMENT_MISMATCH or LEDGER_MISSING.
 */
export async function checkEnvironment(sql: Sql, name: string, side: Side): Promise<void> {
  const exists = await sql.query(`SELECT to_regclass('strangler.environment') IS NOT NULL AS there`);
  if (exists.rows[0]?.['there'] !== 't') {
    throw new StranglerError(
      'LEDGER_MISSING',
      `The ${side}'s database has no ledger.`,
      'Run `strangler setup` first.',
    );
  }
  const { rows } = await sql.query(
    `SELECT e.name, e.side, e.system_identifier = i.system_identifier AND e.database = i.database AS same
       FROM strangler.environment e, (${identitySql}) i`,
  );
  const row = rows[0];
  if (!row)
    throw new StranglerError(
      'LEDGER_MISSING',
      `The ${side}'s ledger is bound to no environment.`,
      'Run `strangler setup`.',
    );
  const mismatch =
    row['name'] !== name
      ? `belongs to environment ${row['name']}, not ${name}`
      : row['side'] !== side
        ? `is the ${row['side']}'s: the two databases are swapped in the config`
        : row['same'] !== 't'
          ? 'is a copy of another one'
          : undefined;
  if (mismatch !== undefined) {
    throw new StranglerError(
      'ENVIRONMENT_MISMATCH',
      `The ${side}'s database ${mismatch}.`,
      'Correct the config; in a restored copy, drop the schema strangler and its triggers before you use it.',
    );
  }
}
