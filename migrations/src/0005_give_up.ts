import type { Knex } from 'knex';

/** The sink may say one thing of an extraction: that its slot was given up to protect the owner's disk. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE FUNCTION strangler.give_up(x text, why text) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      UPDATE strangler.extraction SET stage = 'lost', updated_at = clock_timestamp()
        WHERE name = x AND stage IN ('following', 'switched');
      INSERT INTO strangler.event (extraction, actor, what, detail)
        VALUES (x, session_user, 'given up', jsonb_build_object('why', why));
      PERFORM pg_notify('strangler', json_build_object('kind', 'ledger', 'extraction', x)::text);
    END $$;
    REVOKE ALL ON FUNCTION strangler.give_up(text, text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION strangler.give_up(text, text) TO strangler_apply;
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw('DROP FUNCTION strangler.give_up(text, text)');
}
