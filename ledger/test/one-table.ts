import type { TestSchema } from '../../test/ledger-database.ts';

const sql = `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'one_table_owner') THEN CREATE ROLE one_table_owner NOLOGIN; END IF;
  END $$;
  CREATE SCHEMA app AUTHORIZATION one_table_owner;
  CREATE TABLE app.item (id bigserial PRIMARY KEY);
  ALTER TABLE app.item OWNER TO one_table_owner;
`;

/** The least that an extraction can be about, for tests of the ledger itself. */
export const oneTable: TestSchema = {
  name: 'one_table',
  sql: { monolith: sql, service: sql },
  extraction: { tables: { 'app.item': {} } },
};
