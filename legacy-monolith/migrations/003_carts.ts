import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE shop.carts (
      id bigserial PRIMARY KEY,
      user_id bigint NOT NULL UNIQUE REFERENCES shop.users ON DELETE CASCADE,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE TABLE shop.cart_items (
      cart_id bigint NOT NULL REFERENCES shop.carts ON DELETE CASCADE,
      product_id bigint NOT NULL REFERENCES shop.products ON DELETE CASCADE,
      quantity int NOT NULL CHECK (quantity > 0),
      PRIMARY KEY (cart_id, product_id)
    );
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`DROP TABLE shop.cart_items, shop.carts`);
}
