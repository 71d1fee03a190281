import type { Config, Extraction } from '@strangler/config';
import type { Side } from '@strangler/ledger';
import { connect, type Role } from '@strangler/postgres';
import type pg from 'pg';

/** The database of one side, as the config names it. */
export function databaseOf(config: Config, extraction: Extraction, side: Side): string {
  return side === 'monolith' ? config.monolith.database : extraction.service.database;
}

/** One connection to each side, closed together. The monolith's is also the ledger's home. */
export interface Databases extends AsyncDisposable {
  readonly monolith: pg.Client;
  readonly service: pg.Client;
}

/** Connects to both sides as `role`. @throws StranglerError DATABASE_UNREACHABLE or ROLE_REFUSED. */
export async function openDatabases(
  config: Config,
  extraction: Extraction,
  role: Role,
  name: string,
): Promise<Databases> {
  const open = (side: Side) => connect({ url: databaseOf(config, extraction, side), role, name });
  const monolith = await open('monolith');
  try {
    const service = await open('service');
    return {
      monolith,
      service,
      [Symbol.asyncDispose]: async () => {
        await Promise.all([monolith.end(), service.end()]);
      },
    };
  } catch (error) {
    await monolith.end();
    throw error;
  }
}

/** A connection that ends with its block. */
export async function openDatabase(
  config: Config,
  extraction: Extraction,
  side: Side,
  role: Role,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly sql: pg.Client } & AsyncDisposable> {
  const sql = await connect({ url: databaseOf(config, extraction, side), role, name, settings });
  return { sql, [Symbol.asyncDispose]: async () => await sql.end() };
}
