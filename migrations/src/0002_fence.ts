import type { Knex } from 'knex';

/** Advisory locks of ours live under this first key: the number has no meaning but must never change. */
export const lockClass = 21332;

/**
 * The fence trigger. Its order is what makes it right: first the shared lock, held to the transaction's end,
 * then the read, as a statement of its own; above READ COMMITTED the read locks the row, so that a snapshot from
 * before a transition fails with 40001 instead of passing (traps 38 and 39). A writer never waits for us.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE FUNCTION strangler.fence() RETURNS trigger
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      row_state text;
      row_deadline timestamptz;
      row_side text;
    BEGIN
      IF pg_try_advisory_xact_lock_shared(${lockClass}, TG_ARGV[1]::int) THEN
        IF current_setting('transaction_isolation') = 'read committed' THEN
          SELECT state, deadline, side INTO row_state, row_deadline, row_side
            FROM strangler.ownership WHERE extraction = TG_ARGV[0];
        ELSE
          SELECT state, deadline, side INTO row_state, row_deadline, row_side
            FROM strangler.ownership WHERE extraction = TG_ARGV[0] FOR SHARE;
        END IF;
        IF session_user = 'strangler_apply' THEN
          IF row_state = 'closed' THEN RETURN NULL; END IF;
        ELSIF row_state = 'open' OR (row_state = 'closing' AND clock_timestamp() >= row_deadline) THEN
          RETURN NULL;
        END IF;
      ELSE
        SELECT side INTO row_side FROM strangler.ownership WHERE extraction = TG_ARGV[0];
      END IF;
      RAISE EXCEPTION 'writes to %.% belong to the % (extraction %)', TG_TABLE_SCHEMA, TG_TABLE_NAME,
        CASE WHEN session_user = 'strangler_apply' OR row_side IS NULL THEN 'owner'
             WHEN row_side = 'monolith' THEN 'service' ELSE 'monolith' END, TG_ARGV[0]
        USING ERRCODE = 'SF001',
              HINT = 'Ask the owner of the extraction through its API, or look at: strangler status ' || TG_ARGV[0];
    END $$;
    REVOKE ALL ON FUNCTION strangler.fence() FROM PUBLIC;

    CREATE FUNCTION strangler.is_owner(x text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
      SELECT coalesce((SELECT state = 'open' OR (state = 'closing' AND clock_timestamp() >= deadline)
                         FROM strangler.ownership WHERE extraction = x), false)
    $$;
    COMMENT ON FUNCTION strangler.is_owner(text) IS 'for applications: may this side write the tables of the extraction now?';

    -- Tables, and their partitions or children, whose fence is missing, switched off, or narrower than it must be.
    CREATE FUNCTION strangler.unfenced(tables regclass[], x text) RETURNS SETOF regclass
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
      WITH RECURSIVE relation (oid) AS (
        SELECT unnest(tables)::oid
        UNION
        SELECT i.inhrelid FROM pg_inherits i JOIN relation r ON i.inhparent = r.oid
      )
      SELECT r.oid::regclass FROM relation r
      WHERE NOT EXISTS (
        SELECT FROM pg_trigger g
        WHERE g.tgrelid = r.oid AND g.tgfoid = 'strangler.fence'::regproc
          AND g.tgenabled = 'A' AND g.tgtype = 62 AND g.tgqual IS NULL
          AND substring(g.tgargs FROM 1 FOR length(convert_to(x, 'UTF8')) + 1) = convert_to(x, 'UTF8') || '\\x00'::bytea)
    $$;
    REVOKE ALL ON FUNCTION strangler.unfenced(regclass[], text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION strangler.unfenced(regclass[], text) TO strangler_operator;
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`
    DROP FUNCTION strangler.unfenced(regclass[], text);
    DROP FUNCTION strangler.is_owner(text);
    DROP FUNCTION strangler.fence();
  `);
}
