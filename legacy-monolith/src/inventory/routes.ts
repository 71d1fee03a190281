import { Router } from 'express';
import { z } from 'zod';
import { priceItems } from '../catalog/price-items.ts';
import type { Db } from '../database.ts';
import { orderItems } from '../orders/order-request.ts';
import { idNumber, parseInput } from '../web/input.ts';
import { confirm } from './confirm.ts';
import { release } from './release.ts';
import { reserve } from './reserve.ts';

const ofOrder = z.object({ orderId: idNumber });
const reservationRequest = z.object({ orderId: idNumber, items: orderItems });

/** How a service outside uses the inventory: by the order's id, any number of times. */
export function inventoryRoutes(db: Db): Router {
  const router = Router();

  router.post('/reserve', async (request, response) => {
    const { orderId, items } = parseInput(reservationRequest, request.body);
    const priced = await db.transaction(async (trx) => {
      const prices = await priceItems(trx, items);
      await reserve(trx, orderId, items);
      return prices;
    });
    response.json({ orderId, state: 'reserved', items: priced });
  });

  router.post('/confirm', async (request, response) => {
    const { orderId } = parseInput(ofOrder, request.body);
    const state = await db.transaction((trx) => confirm(trx, orderId));
    response.json({ orderId, state });
  });

  router.post('/release', async (request, response) => {
    const { orderId } = parseInput(ofOrder, request.body);
    await db.transaction((trx) => release(trx, orderId));
    response.json({ orderId, state: 'released' });
  });

  return router;
}
