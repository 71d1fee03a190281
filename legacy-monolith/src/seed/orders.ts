import type { Db } from '../database.ts';
import type { SeedSize } from './seed-shop.ts';

/** Orders 1 to `size.orders` with one to four lines each, over some 900 days from 2024 on. */
export async function seedOrders(trx: Db, size: SeedSize): Promise<void> {
  await seedLines(trx, size);
  await trx.raw(
    `insert into shop.orders (id, user_id, status, total, shipping_address, tags, public_ref, gift_message, receipt,
                              legacy_notes, created_at, updated_at)
     select n, 1 + n * 7919 % ?::bigint,
            (array['cancelled','placed','placed','paid','paid','paid','shipped','shipped','shipped','shipped'])
              [1 + (n * 7 + n / 20 + n / 10000) % 10]::shop.order_status,
            l.total,
            case when n % 6 <> 0 then jsonb_build_object(
              'street', 'Feigenweg ' || n % 200, 'city', (array['Köln','Łódź','São Paulo','Reykjavík'])[1 + n % 4],
              'zip', lpad((n % 99999)::text, 5, '0'), 'lines', jsonb_build_array(null, n, 1.10, 'c/o "Büro"')) end,
            case n % 6 when 0 then array['gift'] when 1 then array['a,b', 'say "hi"'] when 2 then array[null, 'NULL', '']
                       when 3 then array['back\\slash', '{brace}'] else '{}' end,
            overlay(overlay(md5('order ' || n) placing '4' from 13) placing '8' from 17)::uuid,
            case when n % 100 = 0 then 'For you: ' || (
              select string_agg(md5(n || ':' || part), ' ' order by part) from generate_series(1, 320) part
            ) when n % 9 = 0 then 'Happy birthday, "friend" — №' || n end,
            case when n % 10 = 0 then decode(repeat(md5('receipt ' || n), 1 + (n % 40)::int), 'hex') end,
            case when n % 15 = 0 then 'imported from the old till, slip ' || n end,
            placed_at, placed_at + n % 97 * interval '1 hour 1 microsecond'
       from (select n, timestamptz '2024-01-01 00:00:00.000007Z' + n * 1600123457 * interval '1 microsecond' as placed_at
               from generate_series(1, ?::bigint) n) numbers
       join (select n, sum(quantity * unit_price) as total from seed_line group by n) l using (n)
      order by n`,
    [size.users, size.orders],
  );
  await trx.raw(
    `insert into shop.order_items (id, order_id, line_no, product_id, quantity, unit_price)
     select row_number() over (order by n, line_no), n, line_no, product_id, quantity, unit_price from seed_line
      order by n, line_no`,
  );
  await trx.raw(
    `select setval('shop.orders_id_seq', ?),
            setval(pg_get_serial_sequence('shop.order_items', 'id'), (select max(id) from shop.order_items))`,
    [size.orders],
  );
}

/** The lines of all orders, before there are any: an order's total comes from its lines. */
async function seedLines(trx: Db, size: SeedSize): Promise<void> {
  await trx.raw(
    `create temporary table seed_line on commit drop as
     select n, line_no, p.id as product_id, (1 + (n + line_no) % 3)::int as quantity, p.price as unit_price
       from generate_series(1, ?::bigint) n
      cross join lateral generate_series(1, 1 + (n * 5 % 7 % 4)::int) line_no
       join shop.products p on p.id = 1 + (n * 31 + line_no * 97) % ?::bigint`,
    [size.orders, size.products],
  );
  await trx.raw('analyze seed_line');
}
