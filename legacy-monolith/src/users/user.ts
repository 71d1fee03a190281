import { type Db, rows, violatedConstraint } from '../database.ts';
import { Refusal, unauthenticated } from '../web/refusal.ts';
import { hashPassword, verifyPassword } from './password.ts';

export interface User {
  id: number;
  email: string;
  name: string;
}

/** Makes a user. Throws 409 when the address is taken. */
export async function registerUser(
  db: Db,
  wish: { email: string; password: string; name: string },
): Promise<User> {
  const passwordHash = await hashPassword(wish.password);
  try {
    const [made] = await db('shop.users')
      .insert({ email: wish.email, password_hash: passwordHash, name: wish.name })
      .returning<User[]>(['id', 'email', 'name']);
    if (!made) throw new Error('the user was not inserted');
    return { id: made.id, email: made.email, name: made.name };
  } catch (error) {
    if (violatedConstraint(error) === 'users_email_key') throw new Refusal(409, 'email_taken');
    throw error;
  }
}

/** The id of the user with this address and password. Throws 401 for anybody else. */
export async function authenticate(db: Db, email: string, password: string): Promise<number> {
  const [user] = await rows<{ id: number; password_hash: string }>(
    db,
    'select id, password_hash from shop.users where lower(email) = lower(?)',
    [email],
  );
  const right = await verifyPassword(password, user?.password_hash);
  if (!user || !right) throw new Refusal(401, 'invalid_credentials');
  return user.id;
}

export function findUser(db: Db, id: number): Promise<User | undefined> {
  return db('shop.users').where({ id }).first<User | undefined>('id', 'email', 'name');
}

/**
 * Forgets a user with everything that names them: cart, orders (by cascade) and payments. What they bought stays sold.
 * Throws 409 when they have invoices, which must be kept, 401 when they are gone already.
 */
export async function deleteUser(db: Db, id: number): Promise<void> {
  try {
    await db.transaction(async (trx) => {
      // Nobody places an order for a user that is locked; locking in this order is what a cancel does, too.
      const [user] = await rows(trx, 'select id from shop.users where id = ? for update', [id]);
      if (!user) throw unauthenticated();
      const orders = await rows<{ id: number }>(
        trx,
        'select id from shop.orders where user_id = ? order by id for update',
        [id],
      );
      await trx('shop.payments')
        .whereIn(
          'order_id',
          orders.map((order) => order.id),
        )
        .delete();
      await trx('shop.users').where({ id }).delete();
    });
  } catch (error) {
    if (violatedConstraint(error) === 'invoices_order_id_fkey') throw new Refusal(409, 'has_invoices');
    throw error;
  }
}
