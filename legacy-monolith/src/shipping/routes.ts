import { Router } from 'express';
import { z } from 'zod';
import { parseInput } from '../web/input.ts';
import { quoteShipping } from './quote.ts';

const parcel = z.object({
  weight: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,3})?$/, 'kilograms, with at most three decimals')
    .transform(Number)
    .pipe(z.number().positive().max(1000)),
  country: z
    .string()
    .regex(/^[A-Za-z]{2}$/, 'a country code of two letters')
    .transform((code) => code.toUpperCase()),
});

export function shippingRoutes(): Router {
  const router = Router();
  router.get('/api/shipping/quote', (request, response) => {
    const { weight, country } = parseInput(parcel, request.query);
    response.json(quoteShipping(weight, country));
  });
  return router;
}
