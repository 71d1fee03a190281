import { type Db, rows } from '../database.ts';
import { Refusal } from '../web/refusal.ts';
import { type Order, orderJson } from './order.ts';

/**
 * Makes this transaction the only one that works under the user's key; a twin waits here and then finds the answer.
 * @returns the order that was placed under the key before. Throws 422 when that was another request.
 */
export async function claimKey(
  trx: Db,
  userId: number,
  key: string,
  hash: string,
): Promise<Order | undefined> {
  await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, ?))', [key, userId]);
  const [answer] = await rows<{ request_hash: string; response: Order }>(
    trx,
    'select request_hash, response from shop.order_idempotency where user_id = ? and key = ?',
    [userId, key],
  );
  if (!answer) return undefined;
  if (answer.request_hash !== hash) throw new Refusal(422, 'idempotency_key_reused');
  return orderJson(answer.response);
}

/** Keeps the answer under the key, complete, in the order's own transaction. */
export async function rememberAnswer(
  trx: Db,
  userId: number,
  key: string,
  hash: string,
  order: Order,
): Promise<void> {
  await trx('shop.order_idempotency').insert({
    user_id: userId,
    key,
    request_hash: hash,
    order_id: order.id,
    response_status: 201,
    response: JSON.stringify(orderJson(order)),
  });
}
