import { createDatabase } from '@strangler/cluster/testing';
import { expect, test } from 'vitest';
import { makeShop, runCommand, SIZE, shopDatabase } from '../../test/shop-database.ts';

const database = await shopDatabase();

const TABLES = [
  'users',
  'products',
  'carts',
  'cart_items',
  'stock',
  'reservations',
  'stock_reservations',
].concat(['orders', 'order_items', 'order_idempotency', 'payments', 'invoices', 'shipments']);

async function digests(from: typeof database) {
  const queries = TABLES.map((table) =>
    from.query(
      `select '${table}' as table, count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from shop.${table} t`,
    ),
  );
  return (await Promise.all(queries)).flat();
}

test('the same rows come out of every seeding, and a second run changes nothing', async () => {
  const other = await createDatabase('monolith');
  await makeShop(other, SIZE);
  expect(await digests(other)).toEqual(await digests(database));
  const again = await runCommand('seed.ts', { MIGRATOR_DATABASE_URL: other.url('shop_migrator') });
  expect(JSON.parse(again.stdout)).toMatchObject({ seeded: false });
  const migrated = await runCommand('migrate.ts', { MIGRATOR_DATABASE_URL: other.url('shop_migrator') });
  expect(JSON.parse(migrated.stdout)).toEqual({ migrated: [] });
});

test('seeded orders add up, and are as awkward as real ones', async () => {
  const wrong = await database.query(
    `select id from shop.orders o where total <> (select sum(quantity * unit_price) from shop.order_items where order_id = o.id)`,
  );
  expect(wrong).toEqual([]);
  const [kinds] = await database.query(
    `select count(distinct status)::int as states, bool_or(null = any(tags) is null) as null_in_tags,
            bool_or('a,b' = any(tags)) as commas, bool_or('say "hi"' = any(tags)) as quotes,
            bool_or(receipt is not null) as receipts, bool_or(legacy_notes is not null) as notes,
            bool_and(extract(microseconds from created_at)::bigint % 1000 <> 0) as microseconds
       from shop.orders`,
  );
  expect(kinds).toEqual({
    states: 4,
    null_in_tags: true,
    commas: true,
    quotes: true,
    receipts: true,
    notes: true,
    microseconds: true,
  });
});

test('new rows follow on the seeded ones', async () => {
  const inserted = await database.query(
    `with o as (insert into shop.orders (user_id, status, total) values (1, 'placed', 1) returning id),
          i as (insert into shop.order_items (order_id, line_no, product_id, quantity, unit_price)
                select id, 1, 1, 1, 1 from o returning id),
          u as (insert into shop.users (email, password_hash, name) values ('n', 'x', 'n') returning id)
     select o.id::int as order, u.id::int as user,
            i.id::int - (select max(id) from shop.order_items)::int as item from o, i, u`,
  );
  expect(inserted).toEqual([{ order: SIZE.orders + 1, user: SIZE.users + 1, item: 1 }]);
});

test('the running shop can change no schema', async () => {
  const [rights] = await database.query(
    `select has_schema_privilege('shop_app', 'shop', 'CREATE') as create,
            has_table_privilege('shop_app', 'shop.orders', 'TRUNCATE') as truncate,
            has_table_privilege('shop_app', 'shop.schema_migrations', 'SELECT') as migrations,
            (select rolname from pg_roles r join pg_class c on c.relowner = r.oid where c.oid = 'shop.orders'::regclass) as owner`,
  );
  expect(rights).toEqual({ create: false, truncate: false, migrations: false, owner: 'shop_owner' });
});
