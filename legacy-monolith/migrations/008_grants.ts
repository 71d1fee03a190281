import type { Knex } from 'knex';

export async function up(db: Knex): Promise<void> {
  await db.raw(`
    GRANT USAGE ON SCHEMA shop TO shop_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON
      shop.users, shop.products, shop.carts, shop.cart_items, shop.stock, shop.reservations,
      shop.stock_reservations, shop.orders, shop.order_items, shop.order_idempotency, shop.payments,
      shop.invoices, shop.shipments TO shop_app;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA shop TO shop_app;
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`
    REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM shop_app;
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA shop FROM shop_app;
    REVOKE USAGE ON SCHEMA shop FROM shop_app;
  `);
}
