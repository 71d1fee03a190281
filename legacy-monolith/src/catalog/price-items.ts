import { array, type Db, rows } from '../database.ts';
import { Refusal } from '../web/refusal.ts';

/** So many pieces of a product. */
export interface Item {
  productId: number;
  quantity: number;
}

export interface PricedItem extends Item {
  unitPrice: string;
}

/** The items with today's prices, in the order given. Throws 400 for the first product that we don't have. */
export async function priceItems(db: Db, items: readonly Item[]): Promise<PricedItem[]> {
  const found = await rows<{ id: number; price: string }>(
    db,
    'select id, price::text as price from shop.products where id = any(?)',
    [array(items.map((item) => item.productId))],
  );
  const prices = new Map(found.map((product) => [product.id, product.price]));
  return items.map(({ productId, quantity }) => {
    const unitPrice = prices.get(productId);
    if (unitPrice === undefined) throw new Refusal(400, 'unknown_product', { productId });
    return { productId, quantity, unitPrice };
  });
}
