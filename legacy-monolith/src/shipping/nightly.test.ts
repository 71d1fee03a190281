import { expect, test } from 'vitest';
import { runCommand, shopDatabase } from '../../test/shop-database.ts';

const database = await shopDatabase();
const env = { DATABASE_URL: database.url('shop_app') };

test('the nightly job ships what was paid long ago, in a process of its own', async () => {
  const [due] = await database.query<{ orders: number }>(
    "select count(*)::int as orders from shop.orders where status = 'paid' and created_at < now() - interval '30 days'",
  );
  expect(due?.orders).toBeGreaterThan(5);
  await database.query(
    "insert into shop.orders (user_id, status, total) values (1, 'paid', 1.00), (1, 'placed', 1.00)",
  );
  const first = await runCommand('nightly.ts', env);
  expect(JSON.parse(first.stdout)).toEqual({ shipped: due?.orders });
  const again = await runCommand('nightly.ts', env);
  expect(JSON.parse(again.stdout)).toEqual({ shipped: 0 });
  const open = await database.query("select status::text from shop.orders where status = 'paid'");
  expect(open).toEqual([{ status: 'paid' }]);
  const unsent = await database.query(
    "select from shop.orders o where status = 'shipped' and not exists (select from shop.shipments s where s.order_id = o.id)",
  );
  expect(unsent).toEqual([]);
});

test('the nightly job fails with the database’s own words', async () => {
  await database.query(`
    create function refuse() returns trigger language plpgsql as $$
    begin raise exception 'orders are written elsewhere - ask the owner' using errcode = 'SF001'; end $$;
    create trigger refuse before update on shop.orders for each statement execute function refuse();
  `);
  await expect(runCommand('nightly.ts', env)).rejects.toMatchObject({
    code: 1,
    stderr: 'nightly: orders are written elsewhere - ask the owner\n',
    stdout: '',
  });
});
