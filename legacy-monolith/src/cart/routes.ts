import { Router } from 'express';
import { z } from 'zod';
import type { Db } from '../database.ts';
import { type Callers, callerOf } from '../users/caller.ts';
import { parseId, parseInput } from '../web/input.ts';
import { cartOf, putIntoCart, takeFromCart } from './cart.ts';

const amount = z.object({ quantity: z.number().int().min(1).max(1000) });

export function cartRoutes(db: Db, callers: Callers): Router {
  const router = Router();

  router.get('/api/cart', callers.bearer, async (_request, response) => {
    response.json({ items: await cartOf(db, callerOf(response)) });
  });

  router.put('/api/cart/items/:productId', callers.bearer, async (request, response) => {
    const { quantity } = parseInput(amount, request.body);
    const userId = callerOf(response);
    await putIntoCart(db, userId, { productId: parseId(request.params['productId']), quantity });
    response.json({ items: await cartOf(db, userId) });
  });

  router.delete('/api/cart/items/:productId', callers.bearer, async (request, response) => {
    await takeFromCart(db, callerOf(response), parseId(request.params['productId']));
    response.status(204).end();
  });

  return router;
}
