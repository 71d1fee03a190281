import { type Db, rows } from '../database.ts';

/**
 * Hands orders that were paid over 30 days ago to the carrier, a batch per transaction so that nobody waits long.
 * @returns how many orders were shipped
 */
export async function shipPaidOrders(db: Db, batchSize = 500): Promise<number> {
  let total = 0;
  for (;;) {
    const shipped = await shipBatch(db, batchSize);
    if (shipped === 0) return total;
    total += shipped;
  }
}

/** An order that somebody is working on is left for the next night. */
async function shipBatch(db: Db, batchSize: number): Promise<number> {
  const shipped = await rows<{ order_id: number }>(
    db,
    `with due as (
       select id from shop.orders
        where status = 'paid' and created_at < now() - interval '30 days'
        order by created_at limit ? for no key update skip locked
     ), shipped as (
       update shop.orders o set status = 'shipped' from due where o.id = due.id returning o.id
     ), handed_over as (
       insert into shop.shipments (order_id, carrier) select id, 'Parcel Post' from shipped
       on conflict (order_id) do nothing
     )
     select id as order_id from shipped`,
    [batchSize],
  );
  return shipped.length;
}
