import type { Queryable } from '@shop/service-kit';
import { formatCents } from './money.ts';
import { type Order, parseOrder } from './order.ts';

interface OrderRow {
  order_id: string;
  state: string;
  total_cents: string;
  placed_at: string;
  lines: { product_id: number; quantity: number; unit_price_cents: number }[];
}

/** The SQL for a moment as the contract prints it: UTC, microseconds, no rounding on the way. */
export const contractTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const selectOrders = `
  select o.order_id, o.state, o.total_cents, ${contractTime('o.placed_at')} as placed_at,
    coalesce((
      select json_agg(json_build_object('product_id', l.product_id, 'quantity', l.quantity,
        'unit_price_cents', l.unit_price_cents) order by l.position)
      from orders.order_line l where l.order_id = o.order_id
    ), '[]') as lines
  from orders.customer_order o`;

/** The customer's own order, or undefined. */
export async function findOrder(
  database: Queryable,
  orderId: string,
  customerId: string,
): Promise<Order | undefined> {
  const { rows } = await database.query<OrderRow>(
    `${selectOrders} where o.order_id = $1 and o.customer_id = $2`,
    [orderId, customerId],
  );
  return rows.map(toOrder)[0];
}

/** The customer's newest orders. */
export async function newestOrders(database: Queryable, customerId: string, limit: number): Promise<Order[]> {
  const { rows } = await database.query<OrderRow>(
    `${selectOrders} where o.customer_id = $1 order by o.order_id desc limit $2`,
    [customerId, limit],
  );
  return rows.map(toOrder);
}

function toOrder(row: OrderRow): Order {
  return parseOrder({
    id: Number(row.order_id),
    status: row.state,
    total: formatCents(BigInt(row.total_cents)),
    items: row.lines.map((line) => ({
      productId: line.product_id,
      quantity: line.quantity,
      unitPrice: formatCents(BigInt(line.unit_price_cents)),
    })),
    createdAt: row.placed_at,
  });
}
