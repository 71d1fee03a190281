import type { Queryable } from '@shop/service-kit';
import { parseCents } from './money.ts';
import { type Order, type OrderItem, parseOrder } from './order.ts';
import { contractTime } from './order-rows.ts';
import { fingerprint, type PlacingRequest } from './placing-request.ts';
import type { Saga } from './sagas.ts';

/**
 * Writes the order, its lines, the answer under the request's key and the saga's step in one statement, so that
 * either all of it is there or nothing. Undefined if the saga is not ours to go forward with any more.
 */
export async function recordOrder(
  database: Queryable,
  saga: Saga,
  request: PlacingRequest,
  items: OrderItem[],
  total: string,
): Promise<Order | undefined> {
  const { rows } = await database.query<{ answer: unknown }>(
    `with step as (
       update orders.saga set state = 'placed', changed_at = clock_timestamp()
       where saga_id = $1 and state = 'started'
       returning order_id, customer_id
     ), placed as (
       insert into orders.customer_order (order_id, customer_id, state, total_cents)
       select order_id, customer_id, 'placed', $2 from step
       returning order_id, customer_id, placed_at
     ), answered as (
       select order_id, customer_id, jsonb_build_object('id', order_id, 'status', 'placed', 'total', $3::text,
         'items', $4::jsonb, 'createdAt', ${contractTime('placed_at')}) as answer
       from placed
     ), lines as (
       insert into orders.order_line (order_id, position, product_id, quantity, unit_price_cents)
       select order_id, position, product_id, quantity, unit_price_cents
       from placed cross join unnest($5::bigint[], $6::int[], $7::bigint[])
         with ordinality as line(product_id, quantity, unit_price_cents, position)
     ), keyed as (
       insert into orders.request_key (customer_id, request_key, fingerprint, order_id, http_status, answer)
       select customer_id, $8::text, $9, order_id, 201, answer from answered where $8::text is not null
     )
     select answer from answered`,
    [
      saga.sagaId,
      parseCents(total).toString(),
      total,
      JSON.stringify(items),
      items.map((item) => item.productId),
      items.map((item) => item.quantity),
      items.map((item) => parseCents(item.unitPrice).toString()),
      request.key ?? null,
      fingerprint(request),
    ],
  );
  const row = rows[0];
  return row === undefined ? undefined : parseOrder(row.answer);
}
