import type { Knex } from 'knex';

/** Which engine carries a stream, and how far its Kafka topic is applied. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    ALTER TABLE strangler.checkpoint
      ADD COLUMN engine text NOT NULL DEFAULT 'embedded' CHECK (engine IN ('embedded', 'debezium')),
      ADD COLUMN attempt text,
      ADD COLUMN bookmark bigint;
    COMMENT ON COLUMN strangler.checkpoint.engine IS 'who reads the slot: our own reader, or a connector of Debezium';
    COMMENT ON COLUMN strangler.checkpoint.attempt IS 'part of the names of connector and topic: none is ever used again';
    COMMENT ON COLUMN strangler.checkpoint.bookmark IS 'the offset in the topic up to which everything is committed here';
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(
    'ALTER TABLE strangler.checkpoint DROP COLUMN engine, DROP COLUMN attempt, DROP COLUMN bookmark',
  );
}
