import knex, { type Knex } from 'knex';
import pg from 'pg';

/** A connection or a transaction: whatever runs the shop's queries. */
export type Db = Knex;

export interface DatabaseOptions {
  poolMax: number;
  /** What the database's own views call us. */
  applicationName: string;
  /** The role to work as, when it isn't the one that logs in. */
  role?: string;
  /** Milliseconds until the server gives up a statement; none for migrations and seeding. */
  statementTimeoutMs?: number;
}

/** Opens a pool on the shop's database. Nothing connects before the first query. */
export function openDatabase(url: string, options: DatabaseOptions): Db {
  const db = knex({
    client: 'pg',
    // An error's message goes into logs, where nobody's data belong.
    compileSqlOnError: false,
    connection: {
      connectionString: url,
      application_name: options.applicationName,
      options: sessionSettings(options),
      types: { getTypeParser: typeParser },
    },
    pool: { min: 0, max: options.poolMax },
    acquireConnectionTimeout: 10_000,
  });
  db.on('query-error', keepDatabaseMessage);
  return db;
}

/** knex puts the statement before the database's own message; we want to read the message. */
function keepDatabaseMessage(error: Error, { sql }: { sql: string }): void {
  const prefix = `${sql} - `;
  if (error.message.startsWith(prefix)) error.message = error.message.slice(prefix.length);
}

/** Runs SQL with `?` bindings and gives its rows. */
export async function rows<Row>(
  db: Db,
  sql: string,
  bindings: readonly Knex.RawBinding[] = [],
): Promise<Row[]> {
  const result = await db.raw<{ rows: Row[] }>(sql, bindings);
  return result.rows;
}

/** An array as one binding; bare, knex would spread it. */
export function array(values: readonly number[]): number[] {
  return [...values];
}

/** Pinned per connection at its start, without a round trip of their own. */
function sessionSettings(options: DatabaseOptions): string {
  const settings = {
    search_path: 'shop',
    timezone: 'UTC',
    default_transaction_isolation: 'read committed',
    idle_in_transaction_session_timeout: 30_000,
    statement_timeout: options.statementTimeoutMs ?? 0,
    ...(options.role ? { role: options.role } : {}),
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${String(value).replaceAll(' ', '\\ ')}`)
    .join(' ');
}

const INT8 = 20;

/** As pg does it, but ids are numbers: JSON numbers in every answer. */
function typeParser(oid: number): (value: string) => unknown {
  return oid === INT8 ? exactNumber : pg.types.getTypeParser(oid, 'text');
}

function exactNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${text} is too large for a JSON number`);
  return value;
}

/** The name of the constraint that a statement violated, if that is what the error is about. */
export function violatedConstraint(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.constraint : undefined;
}
