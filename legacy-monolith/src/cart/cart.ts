import type { Item } from '../catalog/price-items.ts';
import { type Db, rows, violatedConstraint } from '../database.ts';
import { Refusal, unauthenticated } from '../web/refusal.ts';

export interface CartLine extends Item {
  name: string;
  unitPrice: string;
}

export function cartOf(db: Db, userId: number): Promise<CartLine[]> {
  return rows<CartLine>(
    db,
    `select i.product_id as "productId", i.quantity, p.name, p.price::text as "unitPrice"
       from shop.carts c join shop.cart_items i on i.cart_id = c.id join shop.products p on p.id = i.product_id
      where c.user_id = ? order by i.product_id`,
    [userId],
  );
}

/** Puts so many pieces of a product into the user's cart. Throws 400 for a product that we don't have. */
export async function putIntoCart(db: Db, userId: number, item: Item): Promise<void> {
  try {
    await db.raw(
      `with mine as (
         insert into shop.carts (user_id) values (?)
         on conflict (user_id) do update set user_id = excluded.user_id returning id
       )
       insert into shop.cart_items (cart_id, product_id, quantity) select id, ?, ? from mine
       on conflict (cart_id, product_id) do update set quantity = excluded.quantity`,
      [userId, item.productId, item.quantity],
    );
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === 'cart_items_product_id_fkey') {
      throw new Refusal(400, 'unknown_product', { productId: item.productId });
    }
    if (constraint === 'carts_user_id_fkey') throw unauthenticated();
    throw error;
  }
}

export async function takeFromCart(db: Db, userId: number, productId: number): Promise<void> {
  await db.raw(
    `delete from shop.cart_items i using shop.carts c
      where c.id = i.cart_id and c.user_id = ? and i.product_id = ?`,
    [userId, productId],
  );
}
