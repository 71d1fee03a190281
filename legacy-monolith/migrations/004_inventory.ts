import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- What came in (seeded) is always available, reserved or sold. Rows change all the time: leave room for them.
    CREATE TABLE shop.stock (
      product_id bigint PRIMARY KEY REFERENCES shop.products ON DELETE CASCADE,
      seeded int NOT NULL CHECK (seeded >= 0),
      available int NOT NULL CHECK (available >= 0),
      reserved int NOT NULL DEFAULT 0 CHECK (reserved >= 0),
      sold int NOT NULL DEFAULT 0 CHECK (sold >= 0)
    ) WITH (fillfactor = 50);
    -- Keyed by the order's id without a reference to it: a reservation may exist before its order does.
    CREATE TABLE shop.reservations (
      order_id bigint PRIMARY KEY,
      state text NOT NULL CHECK (state IN ('reserved', 'confirmed', 'released')),
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    ) WITH (fillfactor = 80);
    CREATE TABLE shop.stock_reservations (
      order_id bigint NOT NULL,
      product_id bigint NOT NULL REFERENCES shop.products,
      quantity int NOT NULL CHECK (quantity > 0),
      PRIMARY KEY (order_id, product_id)
    );
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`DROP TABLE shop.stock_reservations, shop.reservations, shop.stock`);
}
