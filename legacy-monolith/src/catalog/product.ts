import { type Db, rows } from '../database.ts';

export interface Product {
  id: number;
  name: string;
  price: string;
  stock: number;
}

export interface ProductDetails extends Product {
  description: string;
}

/** The first products by id, with what can be bought of each now. */
export function listProducts(db: Db, limit: number): Promise<Product[]> {
  return rows<Product>(
    db,
    `select p.id, p.name, p.price::text as price, coalesce(s.available, 0) as stock
       from shop.products p left join shop.stock s on s.product_id = p.id
      order by p.id limit ?`,
    [limit],
  );
}

export async function findProduct(db: Db, id: number): Promise<ProductDetails | undefined> {
  const [product] = await rows<ProductDetails>(
    db,
    `select p.id, p.name, p.price::text as price, coalesce(s.available, 0) as stock, p.description
       from shop.products p left join shop.stock s on s.product_id = p.id
      where p.id = ?`,
    [id],
  );
  return product;
}
