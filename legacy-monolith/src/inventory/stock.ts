import { array, type Db, rows } from '../database.ts';

/** A column of `shop.stock` in which a piece can be. */
export type Place = 'available' | 'reserved' | 'sold';

/** Locks the products' stock until the transaction ends, in the order of their ids so that no two lockers deadlock. */
export async function lockStock(trx: Db, productIds: readonly number[]): Promise<Map<number, number>> {
  const locked = await rows<{ product_id: number; available: number }>(
    trx,
    'select product_id, available from shop.stock where product_id = any(?) order by product_id for no key update',
    [array(productIds)],
  );
  return new Map(locked.map((row) => [row.product_id, row.available]));
}

/** Moves what an order has reserved from one place to another. */
export async function moveReserved(trx: Db, orderId: number, from: Place, to: Place): Promise<void> {
  const reserved = await rows<{ product_id: number }>(
    trx,
    'select product_id from shop.stock_reservations where order_id = ?',
    [orderId],
  );
  await lockStock(
    trx,
    reserved.map((row) => row.product_id),
  );
  await trx.raw(
    `update shop.stock s set ?? = s.?? - r.quantity, ?? = s.?? + r.quantity
       from shop.stock_reservations r where r.order_id = ? and s.product_id = r.product_id`,
    [from, from, to, to, orderId],
  );
}
