import pg from 'pg';
import type { Holdings, KeyRow, OrderRow } from './judge.ts';

/** Both databases as their applications' own roles see them. */
export interface Databases {
  readonly monolith: pg.Pool;
  readonly service: pg.Pool;
  end(): Promise<void>;
}

export type Side = 'monolith' | 'service';

/** Connects lazily; a part that is killed during the run costs a connection, not the demo. */
export function openDatabases(urls: Record<Side, string>): Databases {
  const open = (connectionString: string) => {
    const pool = new pg.Pool({
      connectionString,
      max: 3,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 60_000,
    });
    pool.on('error', () => {});
    return pool;
  };
  const monolith = open(urls.monolith);
  const service = open(urls.service);
  return { monolith, service, end: async () => void (await Promise.all([monolith.end(), service.end()])) };
}

const ordersSql = {
  monolith: `
    select o.id, o.user_id as "userId", o.status::text as status, o.total::text as total,
      coalesce(array_agg(i.product_id || ' x ' || i.quantity || ' @ ' || i.unit_price order by i.line_no)
        filter (where i.id is not null), '{}') as items
    from shop.orders o left join shop.order_items i on i.order_id = o.id
    where o.id > $1 group by o.id`,
  service: `
    select o.order_id as id, o.customer_id as "userId", o.state as status,
      (o.total_cents / 100.0)::numeric(12,2)::text as total,
      coalesce(array_agg(l.product_id || ' x ' || l.quantity || ' @ ' || (l.unit_price_cents / 100.0)::numeric(12,2)
        order by l.position) filter (where l.line_id is not null), '{}') as items
    from orders.customer_order o left join orders.order_line l on l.order_id = o.order_id
    where o.order_id > $1 group by o.order_id`,
};

const keysSql = {
  monolith: `select user_id as "userId", key, order_id as "orderId" from shop.order_idempotency where order_id > $1`,
  service: `select customer_id as "userId", request_key as key, order_id as "orderId" from orders.request_key where order_id > $1`,
};

/** The highest order id that the seed used; the shoppers' orders lie above. */
export async function lastSeededOrder(databases: Databases): Promise<number> {
  const { rows } = await databases.monolith.query<{ id: string }>(
    'select coalesce(max(id), 0) as id from shop.orders',
  );
  return Number(rows[0]?.id);
}

/** The orders above an id that one side has. */
export async function readOrders(databases: Databases, side: Side, above: number): Promise<OrderRow[]> {
  const { rows } = await databases[side].query<
    Record<'id' | 'userId' | 'status' | 'total', string> & { items: string[] }
  >(ordersSql[side], [above]);
  return rows.map((row) => ({ ...row, id: Number(row.id), userId: Number(row.userId) }));
}

/** The idempotency keys of such orders. */
export async function readKeys(databases: Databases, side: Side, above: number): Promise<KeyRow[]> {
  const { rows } = await databases[side].query<{ userId: string; key: string; orderId: string }>(
    keysSql[side],
    [above],
  );
  return rows.map((row) => ({ key: row.key, userId: Number(row.userId), orderId: Number(row.orderId) }));
}

/** Stock and money, which stay in the monolith whoever owns the orders. */
export async function readHoldings(databases: Databases): Promise<Holdings> {
  const stock = await databases.monolith.query<
    Record<'product' | 'available' | 'reserved' | 'sold' | 'seeded', string>
  >('select product_id as product, available, reserved, sold, seeded from shop.stock');
  const payments = await databases.monolith.query<{ order: string; cents: string }>(
    `select order_id as "order", ((case when state in ('charged', 'settled', 'refunded') then amount else 0 end - refunded) * 100)::bigint as cents
     from shop.payments`,
  );
  const taken = new Map<number, number>();
  const unbalanced: string[] = [];
  for (const row of stock.rows) {
    taken.set(Number(row.product), Number(row.reserved) + Number(row.sold));
    const sum = Number(row.available) + Number(row.reserved) + Number(row.sold);
    if (sum !== Number(row.seeded))
      unbalanced.push(`product ${row.product} has ${sum} pieces, seeded were ${row.seeded}`);
  }
  return {
    unbalanced,
    taken,
    money: new Map(payments.rows.map((row) => [Number(row.order), Number(row.cents)])),
  };
}

/** The side that may write the orders now, as each database says for itself. */
export async function ownerNow(databases: Databases): Promise<Side | undefined> {
  for (const side of ['monolith', 'service'] as const) {
    const { rows } = await databases[side].query<{ owns: boolean }>(
      `select strangler.is_owner('orders') as owns`,
    );
    if (rows[0]?.owns) return side;
  }
  return undefined;
}
