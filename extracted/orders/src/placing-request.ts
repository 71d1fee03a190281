import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Wish } from './contexts.ts';
import { idNumber } from './input.ts';

/** The body of a request to place an order. */
export const placingBody = z.object({
  items: z
    .array(z.object({ productId: idNumber, quantity: z.number().int().min(1).max(1_000_000) }))
    .min(1)
    .max(50),
  payment: z.object({ card: z.string().regex(/^\d{12,19}$/, 'a card number, digits only') }),
});

export const requestKey = z.string().min(1).max(200).optional();

export interface PlacingRequest {
  customerId: string;
  /** The Idempotency-Key, by which a repeated request is known. */
  key: string | undefined;
  items: Wish[];
  card: string;
}

/** What makes two requests the same. Stored with the key, and computed alike by whoever owns the orders. */
export function fingerprint(request: { items: Wish[]; card: string }): string {
  const asked = {
    items: request.items.map(({ productId, quantity }) => ({ productId, quantity })),
    card: request.card,
  };
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex');
}
