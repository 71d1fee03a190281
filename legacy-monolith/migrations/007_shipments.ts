import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE shop.shipments (
      order_id bigint PRIMARY KEY,
      carrier text NOT NULL,
      shipped_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`DROP TABLE shop.shipments`);
}
