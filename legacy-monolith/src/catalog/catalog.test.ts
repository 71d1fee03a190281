import { expect, test } from 'vitest';
import { z } from 'zod';
import { SIZE, shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { asker } from '../../test/shopper.ts';

const database = await shopDatabase();
const ask = asker((await startShopProcess(database)).url);

const productList = z.array(
  z.strictObject({
    id: z.number(),
    name: z.string(),
    price: z.string().regex(/^\d+\.\d\d$/),
    stock: z.literal(100_000),
  }),
);

test('lists products with price and stock', async () => {
  const products = productList.parse((await ask('/api/products?limit=1000')).body);
  expect(products.map((product) => product.id)).toEqual(
    Array.from({ length: SIZE.products }, (_, i) => i + 1),
  );
  expect(productList.parse((await ask('/api/products?limit=3')).body)).toEqual(products.slice(0, 3));
  expect((await ask('/api/products?limit=0')).status).toBe(400);
});

test('shows products on pages, with names escaped', async () => {
  await database.query("update shop.products set name = '<script>alert(1)</script>' where id = 30");
  const list = await ask('/');
  expect(list.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(list.text).not.toContain('<script>alert');
  expect((await ask('/products/30')).text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect((await ask('/products/31')).status).toBe(404);
  expect((await ask('/shop.css')).headers.get('content-type')).toContain('text/css');
});
