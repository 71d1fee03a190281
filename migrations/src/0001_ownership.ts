import type { Knex } from 'knex';

/** Who owns what, how far each stream that arrives here is applied, and which environment this database is. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE strangler.environment (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      name text NOT NULL,
      side text NOT NULL CHECK (side IN ('monolith', 'service')),
      system_identifier text NOT NULL,
      database text NOT NULL
    );
    COMMENT ON TABLE strangler.environment IS 'binds the ledger to one database: a restored copy refuses to act';

    -- Nothing but a transition ever updates a row here: a REPEATABLE READ writer would fail for nothing.
    CREATE TABLE strangler.ownership (
      extraction text PRIMARY KEY,
      side text NOT NULL CHECK (side IN ('monolith', 'service')),
      lock_key int NOT NULL,
      epoch bigint NOT NULL,
      term bigint NOT NULL,
      state text NOT NULL CHECK (state IN ('open', 'closing', 'closed')),
      deadline timestamptz,
      sequences jsonb NOT NULL DEFAULT '{}',
      CHECK ((state = 'closing') = (deadline IS NOT NULL))
    );
    COMMENT ON COLUMN strangler.ownership.epoch IS 'rises with every transition';
    COMMENT ON COLUMN strangler.ownership.term IS 'the epoch at which the present or last owner opened';
    COMMENT ON COLUMN strangler.ownership.sequences IS 'at the decision: the last value of each sequence of the tables';

    CREATE TABLE strangler.checkpoint (
      extraction text NOT NULL,
      direction text NOT NULL CHECK (direction IN ('forward', 'reverse')),
      slot text NOT NULL,
      applied pg_lsn NOT NULL,
      commit_time timestamptz,
      lag_bytes bigint NOT NULL DEFAULT 0,
      lag_ms bigint NOT NULL DEFAULT 0,
      source_epoch bigint NOT NULL,
      source_state text NOT NULL CHECK (source_state IN ('open', 'closing', 'closed')),
      lease bigint NOT NULL DEFAULT 0,
      holder text,
      pid int,
      backend_start timestamptz,
      renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      stopped text,
      PRIMARY KEY (extraction, direction)
    );
    COMMENT ON COLUMN strangler.checkpoint.applied IS 'position in the source: everything up to it is committed here';
    COMMENT ON COLUMN strangler.checkpoint.source_state IS 'state of the source side as of the applied position';
    COMMENT ON COLUMN strangler.checkpoint.stopped IS 'why the stream stands still, if it does';

    CREATE TABLE strangler.violation (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      extraction text NOT NULL,
      direction text NOT NULL,
      position pg_lsn NOT NULL,
      relation text NOT NULL,
      operation text NOT NULL,
      key jsonb,
      seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      resolved_at timestamptz
    );
    COMMENT ON TABLE strangler.violation IS 'rows that a writer got past the fence: never applied, a gate of the switch';

    GRANT SELECT ON strangler.environment, strangler.ownership, strangler.checkpoint, strangler.violation
      TO strangler_source, strangler_apply, strangler_facade, strangler_operator;
    GRANT UPDATE ON strangler.checkpoint TO strangler_apply;
    GRANT INSERT ON strangler.violation TO strangler_apply;
    GRANT UPDATE (resolved_at) ON strangler.violation TO strangler_operator;
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(
    'DROP TABLE strangler.violation, strangler.checkpoint, strangler.ownership, strangler.environment',
  );
}
