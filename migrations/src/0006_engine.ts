import type { Knex } from 'knex';

/** Which engine carries a stream, and how far it is in Debezium's topic: written with the rows (trap 73). */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    ALTER TABLE strangler.checkpoint
      ADD COLUMN engine text NOT NULL DEFAULT 'embedded' CHECK (engine IN ('embedded', 'debezium')),
      ADD COLUMN attempt int NOT NULL DEFAULT 0,
      ADD COLUMN bookmark text;
    COMMENT ON COLUMN strangler.checkpoint.engine IS 'who read the source last';
    COMMENT ON COLUMN strangler.checkpoint.attempt IS 'in the names of connector and topic: rises whenever they are made anew';
    COMMENT ON COLUMN strangler.checkpoint.bookmark IS 'topic@offset up to which everything is applied; null before the first record';
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(
    'ALTER TABLE strangler.checkpoint DROP COLUMN engine, DROP COLUMN attempt, DROP COLUMN bookmark',
  );
}
