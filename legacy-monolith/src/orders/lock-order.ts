import { type Db, rows } from '../database.ts';

/** The order's owner and status, locked until the transaction ends. Readers and invoices don't wait. */
export async function lockOrder(
  trx: Db,
  orderId: number,
): Promise<{ userId: number; status: string } | undefined> {
  const [order] = await rows<{ userId: number; status: string }>(
    trx,
    'select user_id as "userId", status::text as status from shop.orders where id = ? for no key update',
    [orderId],
  );
  return order;
}
