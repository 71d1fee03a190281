import type { Db } from '../database.ts';

/** Products 1 to `count`. Their stock comes with the orders, which have sold some. */
export async function seedGoods(trx: Db, count: number): Promise<void> {
  await trx.raw(
    `insert into shop.products (id, name, description, price, tags, attributes, thumbnail)
     select n,
            (array['Enamel','Oak','Linen','Copper','Stoneware','Beech','Wool','Iron'])[1 + n % 8] || ' ' ||
            (array['kettle','bowl','apron','ladle','jug','board','blanket','pan','lamp','basket','tray'])[1 + n % 11] ||
            ' No. ' || n,
            'Made to be used for years. Item ' || n || ' of our catalogue; ' || repeat('sturdy, plain, honest. ', 1 + n % 5),
            (199 + n * 3701 % 19800) / 100.0,
            case n % 4 when 0 then array['kitchen'] when 1 then array['home','gift'] when 2 then '{}' else array['sale, final'] end,
            jsonb_build_object('grams', 50 + n * 13 % 5000, 'fragile', n % 5 = 0, 'origin', (array['DE','PT','FI'])[1 + n % 3]),
            case when n % 10 = 0 then decode(repeat(md5('thumbnail ' || n), 8), 'hex') end
       from generate_series(1, ?::int) n`,
    [count],
  );
  await trx.raw("select setval(pg_get_serial_sequence('shop.products', 'id'), ?)", [count]);
}
