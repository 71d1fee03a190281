import pg from 'pg';
import { type Seed, seedSchema } from '../cassette.ts';

/** The shop's seeded orders in the shape of the service's tables: what a copy would have carried. */
const queries: Record<string, string> = {
  customer_order: `
    select id as order_id, user_id as customer_id, status::text as state, (total * 100)::bigint as total_cents,
      currency::text as currency, shipping_address as ship_to, tags as labels, public_ref as external_ref,
      gift_message as message, receipt, created_at as placed_at, updated_at as changed_at
    from shop.orders order by id`,
  order_line: `
    select id as line_id, order_id, line_no as position, product_id, quantity,
      (unit_price * 100)::bigint as unit_price_cents
    from shop.order_items order by id`,
  request_key: `
    select user_id as customer_id, key as request_key, request_hash as fingerprint, order_id,
      response_status as http_status, response as answer, created_at
    from shop.order_idempotency order by order_id`,
};

/** Reads those rows, every value as the text that PostgreSQL prints for it. */
export async function readSeed(databaseUrl: string): Promise<Seed> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    options: '-c TimeZone=UTC -c DateStyle=ISO -c bytea_output=hex',
    types: { getTypeParser: () => (text: string | Buffer) => text },
  });
  await client.connect();
  try {
    const seed: Record<string, unknown> = {};
    for (const [table, sql] of Object.entries(queries)) seed[table] = (await client.query(sql)).rows;
    return seedSchema.parse(seed);
  } finally {
    await client.end();
  }
}
