import type { Item } from '../catalog/price-items.ts';
import { array, type Db } from '../database.ts';
import { Refusal } from '../web/refusal.ts';
import { claimReservation, lockReservation } from './reservation.ts';
import { lockStock } from './stock.ts';

/**
 * Takes an order's items out of what is available. Once per order: asked again it does nothing.
 * Throws 409 when there is too little of a product, and when the order was released before.
 */
export async function reserve(trx: Db, orderId: number, items: readonly Item[]): Promise<void> {
  const isNew = await claimReservation(trx, orderId, 'reserved');
  if (!isNew) {
    if ((await lockReservation(trx, orderId)) === 'released') throw new Refusal(409, 'released');
    return;
  }
  const wanted = quantityPerProduct(items);
  const available = await lockStock(trx, [...wanted.keys()]);
  for (const [productId, quantity] of wanted) {
    if ((available.get(productId) ?? 0) < quantity) throw new Refusal(409, 'out_of_stock', { productId });
  }
  const products = array([...wanted.keys()]);
  const quantities = array([...wanted.values()]);
  await trx.raw(
    `with wanted as (select * from unnest(?::bigint[], ?::int[]) as w(product_id, quantity)),
     kept as (
       insert into shop.stock_reservations (order_id, product_id, quantity)
       select ?, product_id, quantity from wanted
     )
     update shop.stock s set available = s.available - w.quantity, reserved = s.reserved + w.quantity
       from wanted w where s.product_id = w.product_id`,
    [products, quantities, orderId],
  );
}

/** Pieces per product, by ascending product id. */
function quantityPerProduct(items: readonly Item[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const item of items) sums.set(item.productId, (sums.get(item.productId) ?? 0) + item.quantity);
  return new Map([...sums].sort(([left], [right]) => left - right));
}
