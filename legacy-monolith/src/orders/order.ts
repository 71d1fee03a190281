import { type Db, rows } from '../database.ts';

export interface OrderLine {
  productId: number;
  quantity: number;
  unitPrice: string;
}

/** An order as the API shows it: money as decimal strings, the time in UTC with microseconds. */
export interface Order {
  id: number;
  status: string;
  total: string;
  items: OrderLine[];
  createdAt: string;
}

/** The order with its fields in the one order in which they are sent: a stored answer is repeated byte by byte. */
export function orderJson(order: Order): Order {
  return {
    id: order.id,
    status: order.status,
    total: order.total,
    items: order.items.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
    createdAt: order.createdAt,
  };
}

/** `created_at` as the API shows it. */
export const CREATED_AT = `to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const SELECT_ORDER = `
  select id, status::text as status, total::text as total,
         (select coalesce(json_agg(json_build_object('productId', i.product_id, 'quantity', i.quantity,
                                                     'unitPrice', i.unit_price::text) order by i.line_no), '[]')
            from shop.order_items i where i.order_id = o.id) as items,
         ${CREATED_AT} as "createdAt"
    from shop.orders o`;

/** The user's order, or undefined when there is none or it is another user's. */
export async function findOrder(db: Db, userId: number, id: number): Promise<Order | undefined> {
  const [order] = await rows<Order>(db, `${SELECT_ORDER} where id = ? and user_id = ?`, [id, userId]);
  return order && orderJson(order);
}

/** The user's newest orders. */
export async function listOrders(db: Db, userId: number, limit: number): Promise<Order[]> {
  const orders = await rows<Order>(db, `${SELECT_ORDER} where user_id = ? order by id desc limit ?`, [
    userId,
    limit,
  ]);
  return orders.map(orderJson);
}
