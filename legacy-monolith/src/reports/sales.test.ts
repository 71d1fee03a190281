import { expect, test } from 'vitest';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { shopperOf } from '../../test/shopper.ts';

const database = await shopDatabase();
const ada = await shopperOf((await startShopProcess(database)).url, 1);

test('reports what was sold on each of the last 30 days, cancelled orders apart', async () => {
  expect((await ada('/api/reports/sales')).body).toEqual({ days: [], totals: { orders: 0, total: '0.00' } });
  await database.query(`
    insert into shop.orders (user_id, status, total, created_at)
    select 1, status::shop.order_status, total, date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - age
      from (values ('paid', 10.00, interval '1 day'), ('placed', 2.50, interval '1 second'),
                   ('cancelled', 99.00, interval '1 second'), ('shipped', 7.00, interval '29 days'),
                   ('shipped', 8.00, interval '29 days 1 second')) v(status, total, age)`);
  const [day] = await database.query<{ yesterday: string; first: string }>(
    `select to_char(now() at time zone 'UTC' - interval '1 day', 'YYYY-MM-DD') as yesterday,
            to_char(now() at time zone 'UTC' - interval '29 days', 'YYYY-MM-DD') as first`,
  );
  expect((await ada('/api/reports/sales')).body).toEqual({
    days: [
      { day: day?.first, orders: 1, total: '7.00' },
      { day: day?.yesterday, orders: 2, total: '12.50' },
    ],
    totals: { orders: 3, total: '19.50' },
  });
});
