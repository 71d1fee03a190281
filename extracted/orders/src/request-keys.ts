import type { Answer, Queryable } from '@shop/service-kit';
import { parseOrder } from './order.ts';

interface StoredAnswer {
  fingerprint: string;
  http_status: number;
  answer: unknown;
}

/** What a request with this key was answered with before, if it was: the same again, or that the key is taken. */
export async function storedAnswer(
  database: Queryable,
  customerId: string,
  key: string,
  fingerprint: string,
): Promise<Answer | undefined> {
  const { rows } = await database.query<StoredAnswer>(
    `select fingerprint, http_status, answer from orders.request_key where customer_id = $1 and request_key = $2`,
    [customerId, key],
  );
  const stored = rows[0];
  if (stored === undefined) return undefined;
  if (stored.fingerprint !== fingerprint) return { status: 422, body: { error: 'idempotency_key_reused' } };
  return {
    status: stored.http_status,
    body: parseOrder(stored.answer),
    headers: { 'idempotent-replay': 'true' },
  };
}
