import pg from 'pg';
import type { Logger } from './logging.ts';

/** What a query needs: a pool, or one client of it inside a transaction. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>;
}

export interface PoolSettings {
  url: string;
  /** Connections at most. */
  max: number;
  /** Shown in `pg_stat_activity`. */
  name: string;
  logger: Logger;
}

/**
 * A pool whose every session is pinned: names must be qualified, texts come in one form whatever the server's
 * defaults, and no statement or forgotten transaction lasts for ever.
 */
export function createPool(settings: PoolSettings): pg.Pool {
  const pool = new pg.Pool({
    connectionString: settings.url,
    max: settings.max,
    application_name: settings.name,
    connectionTimeoutMillis: 5_000,
    options: [
      '-c search_path=pg_catalog',
      '-c TimeZone=UTC',
      '-c DateStyle=ISO',
      '-c statement_timeout=5000',
      '-c idle_in_transaction_session_timeout=5000',
    ].join(' '),
  });
  pool.on('error', (error) => settings.logger.warn({ err: error }, 'an idle database connection was lost'));
  return pool;
}

/** Runs `work` in one READ COMMITTED transaction; any error rolls it back and is thrown on. */
export async function inTransaction<Result>(
  pool: pg.Pool,
  work: (client: Queryable) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error(String(failure));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The SQLSTATE of an error that the database raised, otherwise undefined. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}
