import { z } from 'zod';

const item = z.object({ productId: z.number(), quantity: z.number(), unitPrice: z.string() });

const order = z.object({
  id: z.number(),
  status: z.enum(['pending', 'placed', 'paid', 'shipped', 'cancelled']),
  /** Decimal string with two decimals. */
  total: z.string(),
  items: z.array(item),
  /** UTC with microseconds. */
  createdAt: z.string(),
});

/** An order as the contract shows it. */
export type Order = z.output<typeof order>;
export type OrderItem = z.output<typeof item>;

/**
 * The order from JSON whose keys may stand in any order (`jsonb` keeps none), with the keys in the contract's order,
 * so that a stored answer is replayed byte for byte. Throws a `ZodError` for anything else.
 */
export function parseOrder(json: unknown): Order {
  const { id, status, total, items, createdAt } = order.parse(json);
  return {
    id,
    status,
    total,
    items: items.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
    createdAt,
  };
}
