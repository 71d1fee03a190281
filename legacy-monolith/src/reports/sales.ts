import { type Db, rows } from '../database.ts';

export interface DayOfSales {
  day: string;
  orders: number;
  total: string;
}

export interface SalesReport {
  days: DayOfSales[];
  totals: { orders: number; total: string };
}

/** What was ordered and not cancelled on each of the last 30 days (UTC), today included, and altogether. */
export async function salesReport(db: Db): Promise<SalesReport> {
  const lines = await rows<{ day: string | null; orders: number; total: string }>(
    db,
    `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*) as orders,
            coalesce(sum(total), 0.00)::text as total
       from shop.orders
      where created_at >= (date_trunc('day', now() at time zone 'UTC') - interval '29 days') at time zone 'UTC'
        and status <> 'cancelled'
      group by grouping sets ((1), ()) order by 1`,
  );
  const days: DayOfSales[] = [];
  let totals = { orders: 0, total: '0.00' };
  for (const { day, orders, total } of lines) {
    if (day === null) totals = { orders, total };
    else days.push({ day, orders, total });
  }
  return { days, totals };
}
