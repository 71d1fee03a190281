import type { Db } from '../database.ts';
import type { SeedSize } from './seed-shop.ts';

/** Pieces of each product on the shelf when the shop opens. */
const STOCK = 100_000;

/** The card that the seeded orders were paid with. */
const CARD = '4242424242424242';

/** What the other contexts know of the seeded orders, so that an old order can be cancelled like a new one. */
export async function seedTrade(trx: Db, size: SeedSize): Promise<void> {
  await seedInventory(trx);
  await seedPayments(trx);
  await seedIdempotency(trx);
  await trx.raw(
    `insert into shop.carts (id, user_id, created_at)
     select n, n * 20, timestamptz '2026-01-01 00:00:00Z' + n * interval '1 hour 1 microsecond'
       from generate_series(1, ?::bigint / 20) n`,
    [size.users],
  );
  await trx.raw(
    `insert into shop.cart_items (cart_id, product_id, quantity)
     select c.id, 1 + c.id % ?::bigint, 1 + (c.id % 4)::int from shop.carts c`,
    [size.products],
  );
  await trx.raw("select setval('shop.carts_id_seq', greatest(1, ?::bigint / 20), ?::bigint >= 20)", [
    size.users,
    size.users,
  ]);
}

/** Stock counts what was sold on top of what is on the shelf; cancelled orders gave theirs back. */
async function seedInventory(trx: Db): Promise<void> {
  await trx.raw(
    `insert into shop.reservations (order_id, state, updated_at)
     select id, case status when 'cancelled' then 'released' else 'confirmed' end, updated_at
       from shop.orders order by id`,
  );
  await trx.raw(
    `insert into shop.stock_reservations (order_id, product_id, quantity)
     select n, product_id, sum(quantity)::int from seed_line group by n, product_id order by n, product_id`,
  );
  await trx.raw(
    `insert into shop.stock (product_id, seeded, available, sold)
     select p.id, ?::int + coalesce(s.sold, 0), ?::int, coalesce(s.sold, 0)
       from shop.products p
       left join (select l.product_id, sum(l.quantity)::int as sold
                    from seed_line l join shop.orders o on o.id = l.n and o.status <> 'cancelled'
                   group by 1) s on s.product_id = p.id
      order by p.id`,
    [STOCK, STOCK],
  );
}

async function seedPayments(trx: Db): Promise<void> {
  await trx.raw(
    `insert into shop.payments (order_id, amount, refunded, state, card_last4, created_at)
     select id, total, case status when 'cancelled' then total else 0 end,
            case status when 'cancelled' then 'refunded' when 'placed' then 'charged' else 'settled' end,
            right(?, 4), created_at
       from shop.orders order by id`,
    [CARD],
  );
  await trx.raw(
    `insert into shop.shipments (order_id, carrier, shipped_at)
     select id, 'Parcel Post', updated_at from shop.orders where status = 'shipped' order by id`,
  );
  await trx.raw(
    `insert into shop.invoices (id, order_id, number, issued_at, total)
     select row_number() over (order by id), id, 'INV-' || lpad(row_number() over (order by id)::text, 8, '0'),
            updated_at, total
       from shop.orders where status in ('paid', 'shipped') and id % 3 = 0 order by id`,
  );
  await trx.raw(
    `select setval('shop.invoices_id_seq', greatest(1, count(*)), count(*) > 0) from shop.invoices`,
  );
}

/** Every fiftieth order was asked for under a key, and its first answer is kept as it was given. */
async function seedIdempotency(trx: Db): Promise<void> {
  await trx.raw(
    `insert into shop.order_idempotency (user_id, key, request_hash, order_id, response_status, response, created_at)
     select o.user_id, 'seed-' || o.id,
            encode(sha256(convert_to('{"items":[' || l.asked || '],"card":"' || ? || '"}', 'UTF8')), 'hex'),
            o.id, 201,
            jsonb_build_object('id', o.id, 'status', 'placed', 'total', o.total::text, 'items', l.items, 'createdAt',
                               to_char(o.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
            o.created_at
       from shop.orders o
       join (select n,
                    string_agg('{"productId":' || product_id || ',"quantity":' || quantity || '}', ',' order by line_no)
                      as asked,
                    jsonb_agg(jsonb_build_object('productId', product_id, 'quantity', quantity,
                                                 'unitPrice', unit_price::text) order by line_no) as items
               from seed_line where n % 50 = 0 group by n) l on l.n = o.id
      order by o.id`,
    [CARD],
  );
}
