import { z } from 'zod';
import { INTERNAL_TOKEN } from './shop-process.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON, if it is any. */
  body: unknown;
}

export interface RequestOptions {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export type Asker = (path: string, options?: RequestOptions) => Promise<Answer>;

/** Asks the shop with these headers on every request. */
export function asker(url: string, headers: Record<string, string> = {}): Asker {
  return async (path, options = {}) => {
    const sent = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
    const response = await fetch(url + path, {
      method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
      headers: { ...headers, 'content-type': 'application/json', ...options.headers },
      signal: AbortSignal.timeout(20_000),
      ...sent,
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    const body: unknown = isJson ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body };
  };
}

/** Asks as one of the services that use the shop's inner routes. */
export function serviceOf(url: string): Asker {
  return asker(url, { authorization: `Bearer ${INTERNAL_TOKEN}` });
}

/** Asks as one of the seeded users. */
export async function shopperOf(url: string, user: number): Promise<Asker> {
  return asker(url, { authorization: `Bearer ${await tokenOf(url, `user${user}@example.test`)}` });
}

export async function tokenOf(url: string, email: string, password = 'correct horse'): Promise<string> {
  const answer = await asker(url)('/api/sessions', { body: { email, password } });
  return z.object({ token: z.string() }).parse(answer.body).token;
}

/** The parts of an order that tests look at. */
export const orderAnswer = z.strictObject({
  id: z.number(),
  status: z.string(),
  total: z.string().regex(/^\d+\.\d\d$/),
  items: z.array(
    z.strictObject({
      productId: z.number(),
      quantity: z.number(),
      unitPrice: z.string().regex(/^\d+\.\d\d$/),
    }),
  ),
  createdAt: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
});

export const GOOD_CARD = '4242424242424242';
export const DECLINED_CARD = '4000000000000002';

/** The body of an order for these `[productId, quantity]`. */
export function wish(items: [number, number][], card = GOOD_CARD) {
  return { items: items.map(([productId, quantity]) => ({ productId, quantity })), payment: { card } };
}
