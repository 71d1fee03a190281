import {
  createDatabase,
  type TestDatabase,
  type TestSide,
  templateDatabase,
} from '@strangler/cluster/testing';
import { parseConfig } from '@strangler/config';
import { migrateUp, setupSql } from '@strangler/migrations';
import { ident, qualified, roleUrl } from '@strangler/postgres';

/** A team's tables, for tests that aren't about the shop: what a DBA of theirs would run. */
export interface TestSchema {
  /** Names the template: change it when the SQL changes. */
  readonly name: string;
  readonly sql: Readonly<Record<TestSide, string>>;
  /** The extraction's entry in the config, without addresses. */
  readonly extraction: Readonly<Record<string, unknown>>;
}

/** The config of a test: `x` is the extraction, the databases are the test's own. */
export function testConfig(
  schema: TestSchema,
  urls: Record<TestSide, string>,
  environment = `t${process.pid}`,
) {
  return parseConfig(
    {
      environment,
      monolith: { url: 'http://127.0.0.1:1', database: urls.monolith },
      extractions: {
        x: { service: { url: 'http://127.0.0.1:1', database: urls.service }, ...schema.extraction },
      },
    },
    'test.config.ts',
  );
}

/** A clone of a database with the schema, the roles as `setup --sql` prints them, and the ledger. */
export async function ledgerDatabase(side: TestSide, schema: TestSchema): Promise<TestDatabase> {
  const template = await templateDatabase(side, `ledger_${schema.name}`, async (database) => {
    await database.query(schema.sql[side]);
    const url = database.url();
    const [extraction] = testConfig(schema, { monolith: url, service: url }).extractions;
    await database.query(setupSql(side, extraction?.tables.map((table) => qualified(table[side])) ?? []));
    await migrateUp(roleUrl(url, 'admin'), side);
  });
  const database = await createDatabase(side, { template });
  // A clone has everything of its template but the rights on the database itself.
  await database.query(`GRANT CREATE, CONNECT ON DATABASE ${ident(database.name)} TO strangler_admin`);
  return database;
}
