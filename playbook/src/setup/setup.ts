import type { Config } from '@strangler/config';
import { bindEnvironment, checkEnvironment, type Side } from '@strangler/ledger';
import { migrateUp, setupSql } from '@strangler/migrations';
import { qualified, roleUrl } from '@strangler/postgres';
import { databaseOf, openDatabase } from '../databases.ts';

/** Makes or updates the ledger on both sides, as strangler_admin. Safe to run again. */
export async function setupLedger(config: Config): Promise<{ databases: string[] }> {
  const done = new Set<string>();
  for (const extraction of config.extractions) {
    for (const side of ['monolith', 'service'] as const satisfies Side[]) {
      const url = databaseOf(config, extraction, side);
      if (done.has(url)) continue;
      await using database = await openDatabase(config, extraction, side, 'admin', 'setup');
      await migrateUp(roleUrl(url, 'admin'), side);
      await bindEnvironment(database.sql, config.environment, side);
      await checkEnvironment(database.sql, config.environment, side);
      done.add(url);
    }
  }
  return { databases: [...done].map((url) => new URL(url).pathname.slice(1)) };
}

/** The SQL that the DBA of a side runs once: for one extraction, or for all of the config. */
export function setupStatements(config: Config, side: Side, extractionName?: string): string {
  const extractions = config.extractions.filter(
    (each) => extractionName === undefined || each.name === extractionName,
  );
  return setupSql(
    side,
    extractions.flatMap((extraction) => extraction.tables.map((table) => qualified(table[side]))),
  );
}
