import { z } from 'zod';
import type { Order, Placed } from '../journal.ts';

/** One virtual shopper, with what it knows about itself. It does one thing at a time. */
export interface Shopper {
  readonly email: string;
  readonly userId: number;
  token: string;
  /** A browser keeps cookies; a client of the API (undefined) doesn't. */
  readonly cookies: Map<string, string> | undefined;
  /** What it placed, oldest first. */
  readonly placed: Placed[];
}

const orderJson = z.strictObject({
  id: z.number().int().positive(),
  status: z.string(),
  total: z.string().regex(/^\d+\.\d\d$/),
  items: z.array(
    z.strictObject({
      productId: z.number(),
      quantity: z.number(),
      unitPrice: z.string().regex(/^\d+\.\d\d$/),
    }),
  ),
  createdAt: z.string(),
});
const listJson = z.strictObject({ orders: z.array(orderJson) });
const sessionJson = z.object({ token: z.string() });
const userJson = z.object({ id: z.number(), email: z.string() });

/** An order from an answer's body. @throws ZodError when it isn't one */
export function parseOrder(text: string): Order {
  return orderJson.parse(JSON.parse(text));
}

export function parseOrders(text: string): Order[] {
  return listJson.parse(JSON.parse(text)).orders;
}

/** The token of a session's answer, and whose it is. */
export function parseSession(text: string): { token: string; userId: number } {
  const { token } = sessionJson.parse(JSON.parse(text));
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return { token, userId: Number(z.object({ sub: z.string() }).parse(claims).sub) };
}

export function parseUser(text: string): { id: number; email: string } {
  return userJson.parse(JSON.parse(text));
}
