import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Item } from '../catalog/price-items.ts';
import { idNumber } from '../web/input.ts';

/** What an order may ask for. */
export const orderItems = z
  .array(z.object({ productId: idNumber, quantity: z.number().int().min(1).max(1_000_000) }))
  .min(1)
  .max(50);

export const cardNumber = z.string().regex(/^\d{12,19}$/, 'a card number, digits only');

export const orderRequest = z.object({ items: orderItems, payment: z.object({ card: cardNumber }) });

export const idempotencyKey = z.string().min(1).max(200);

/** Tells one order request from another under the same idempotency key. */
export function requestHash(items: readonly Item[], card: string): string {
  const asked = { items: items.map(({ productId, quantity }) => ({ productId, quantity })), card };
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex');
}
