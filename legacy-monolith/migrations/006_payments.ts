import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- Keyed by the order's id without a reference to it, as reservations are.
    CREATE TABLE shop.payments (
      order_id bigint PRIMARY KEY,
      amount numeric(12,2) NOT NULL CHECK (amount >= 0),
      refunded numeric(12,2) NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= amount),
      state text NOT NULL CHECK (state IN ('charged', 'settled', 'refunded', 'declined', 'voided')),
      card_last4 char(4),
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    ) WITH (fillfactor = 80);
    CREATE TABLE shop.invoices (
      id bigserial PRIMARY KEY,
      order_id bigint NOT NULL UNIQUE REFERENCES shop.orders,
      number text NOT NULL UNIQUE,
      issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      total numeric(12,2) NOT NULL
    );
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`DROP TABLE shop.invoices, shop.payments`);
}
