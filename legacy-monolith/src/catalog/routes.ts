import { Router } from 'express';
import type { Db } from '../database.ts';
import { limitOf, parseId } from '../web/input.ts';
import { notFound } from '../web/refusal.ts';
import { productListPage, productPage } from './pages.ts';
import { findProduct, listProducts } from './product.ts';

export function catalogRoutes(db: Db): Router {
  const router = Router();

  router.get('/api/products', async (request, response) => {
    response.json(await listProducts(db, limitOf(request.query, { usual: 50, max: 1000 })));
  });

  router.get('/api/products/:id', async (request, response) => {
    const product = await findProduct(db, parseId(request.params.id));
    if (!product) throw notFound();
    response.json(product);
  });

  router.get('/', async (_request, response) => {
    response.type('html').send(productListPage(await listProducts(db, 60)));
  });

  router.get('/products/:id', async (request, response) => {
    const product = await findProduct(db, parseId(request.params.id));
    if (!product) throw notFound();
    response.type('html').send(productPage(product));
  });

  return router;
}
