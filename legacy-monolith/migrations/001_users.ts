import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE shop.users (
      id bigserial PRIMARY KEY,
      email text NOT NULL,
      password_hash text NOT NULL,
      name text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE UNIQUE INDEX users_email_key ON shop.users (lower(email));
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`DROP TABLE shop.users`);
}
