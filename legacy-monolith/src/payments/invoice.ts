import { type Db, rows } from '../database.ts';
import { notFound, Refusal } from '../web/refusal.ts';

export interface Invoice {
  number: string;
  orderId: number;
  total: string;
  issuedAt: string;
}

/**
 * The invoice of the user's order, issued on first demand.
 * Throws 404 when the order isn't the user's, 409 when it is nothing to be invoiced.
 */
export async function invoiceOf(db: Db, userId: number, orderId: number): Promise<Invoice> {
  const [order] = await rows<{ status: string; total: string }>(
    db,
    'select status::text as status, total::text as total from shop.orders where id = ? and user_id = ?',
    [orderId, userId],
  );
  if (!order) throw notFound();
  if (!['placed', 'paid', 'shipped'].includes(order.status)) throw new Refusal(409, 'not_invoiceable');
  return (await findInvoice(db, orderId)) ?? (await issueInvoice(db, orderId, order.total));
}

async function findInvoice(db: Db, orderId: number): Promise<Invoice | undefined> {
  const [invoice] = await rows<Invoice>(
    db,
    `select number, order_id as "orderId", total::text as total,
            to_char(issued_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "issuedAt"
       from shop.invoices where order_id = ?`,
    [orderId],
  );
  return invoice;
}

/** One statement, which shares the order's row with everybody but a delete. A concurrent issuer may win. */
async function issueInvoice(db: Db, orderId: number, total: string): Promise<Invoice> {
  await db.raw(
    `with next as (select nextval('shop.invoices_id_seq') as id)
     insert into shop.invoices (id, order_id, number, total)
     select id, ?, 'INV-' || lpad(id::text, 8, '0'), ? from next
     on conflict (order_id) do nothing`,
    [orderId, total],
  );
  const invoice = await findInvoice(db, orderId);
  if (!invoice) throw new Error(`the invoice of order ${orderId} disappeared`);
  return invoice;
}
