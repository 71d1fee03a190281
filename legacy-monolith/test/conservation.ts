import type { TestDatabase } from '@strangler/cluster/testing';

/** Products of which pieces got lost or came from nowhere, and the difference between what was paid and is owed. */
export async function conservation(
  database: TestDatabase,
): Promise<{ products: number[]; money: string; reserved: number }> {
  const unbalanced = await database.query<{ product_id: string }>(
    'select product_id from shop.stock where available + reserved + sold <> seeded',
  );
  const wrongSold = await database.query<{ product_id: string }>(
    `select s.product_id from shop.stock s
       left join (select r.product_id, sum(r.quantity) as quantity
                    from shop.stock_reservations r join shop.reservations using (order_id)
                   where state = 'confirmed' group by 1) c using (product_id)
      where s.sold <> coalesce(c.quantity, 0)`,
  );
  const [sums] = await database.query<{ money: string; reserved: string }>(
    `select ((select coalesce(sum(amount) filter (where state in ('charged','settled','refunded')), 0)
                     - coalesce(sum(refunded), 0) from shop.payments)
            - (select coalesce(sum(total), 0) from shop.orders where status <> 'cancelled'))::numeric(14,2)::text as money,
            (select sum(reserved)::text from shop.stock) as reserved`,
  );
  return {
    products: [...unbalanced, ...wrongSold].map((row) => Number(row.product_id)),
    money: sums?.money ?? 'unknown',
    reserved: Number(sums?.reserved),
  };
}

export const CONSERVED = { products: [], money: '0.00', reserved: 0 };
