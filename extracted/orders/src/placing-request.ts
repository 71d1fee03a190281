import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Wish } from './contexts.ts';

const body = z.object({
  items: z
    .array(
      z.object({
        productId: z.number().int().positive(),
        quantity: z.number().int().positive(),
      }),
    )
    .min(1),
  payment: z.object({ card: z.string().min(1) }),
});

export interface PlacingRequest {
  customerId: string;
  /** The Idempotency-Key, by which a repeated request is known. */
  key: string | undefined;
  items: Wish[];
  card: string;
}

export type ParsedBody =
  | { ok: true; items: Wish[]; card: string }
  | { ok: false; issues: { path: string; message: string }[] };

export function parsePlacingBody(json: unknown): ParsedBody {
  const parsed = body.safeParse(json);
  if (parsed.success) {
    const items = parsed.data.items.map(({ productId, quantity }) => ({ productId, quantity }));
    return { ok: true, items, card: parsed.data.payment.card };
  }
  const issues = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  return { ok: false, issues };
}

/** What makes two requests the same. Stored with the key, and computed alike by whoever owns the orders. */
export function fingerprint(request: { items: Wish[]; card: string }): string {
  return createHash('sha256')
    .update(JSON.stringify({ items: request.items, card: request.card }))
    .digest('hex');
}
