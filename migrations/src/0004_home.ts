import type { Knex } from 'knex';

/** What only the home of the ledger has: stages, runs, facades, and the record of who did what. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE strangler.extraction (
      name text PRIMARY KEY,
      stage text NOT NULL CHECK (stage IN ('planned', 'copying', 'following', 'switched', 'completed', 'lost')),
      homes text[] NOT NULL DEFAULT '{}',
      config_hash text NOT NULL,
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON COLUMN strangler.extraction.homes IS 'routes whose reads go to the monolith at once; * is all of them';

    CREATE TABLE strangler.run (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      extraction text NOT NULL,
      verb text NOT NULL,
      holder text NOT NULL,
      plan jsonb NOT NULL DEFAULT '[]',
      step text,
      outcome text CHECK (outcome IN ('done', 'refused', 'failed', 'lapsed')),
      started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      lease_until timestamptz NOT NULL,
      hold_epoch bigint,
      hold_until timestamptz,
      finished_at timestamptz
    );
    CREATE UNIQUE INDEX run_active ON strangler.run (extraction) WHERE outcome IS NULL;
    COMMENT ON COLUMN strangler.run.hold_epoch IS 'facades hold writes until a side is open at a later epoch, or hold_until';

    CREATE TABLE strangler.facade (
      id text NOT NULL,
      extraction text NOT NULL,
      epoch bigint NOT NULL,
      hold uuid,
      in_flight int NOT NULL,
      held int NOT NULL DEFAULT 0,
      lease_ms int NOT NULL,
      last_seen timestamptz NOT NULL,
      PRIMARY KEY (id, extraction)
    );
    COMMENT ON COLUMN strangler.facade.hold IS 'the run whose hold this facade obeys: no write of its own passes any more';
    COMMENT ON COLUMN strangler.facade.in_flight IS 'writes of the extraction that were passed on and are not answered yet';
    COMMENT ON COLUMN strangler.facade.held IS 'requests held so far in the hold that it obeys, or obeyed last';

    CREATE TABLE strangler.event (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      extraction text,
      actor text NOT NULL,
      what text NOT NULL,
      detail jsonb NOT NULL DEFAULT '{}'
    );

    GRANT SELECT ON strangler.extraction, strangler.run, strangler.facade, strangler.event
      TO strangler_facade, strangler_operator, strangler_apply, strangler_source;
    GRANT INSERT, UPDATE, DELETE ON strangler.facade TO strangler_facade;
    GRANT INSERT, UPDATE ON strangler.run, strangler.extraction TO strangler_operator;
    GRANT DELETE ON strangler.facade TO strangler_operator;
    GRANT INSERT ON strangler.event TO strangler_operator, strangler_apply;
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw('DROP TABLE strangler.event, strangler.facade, strangler.run, strangler.extraction');
}
