import type { Db } from '../database.ts';
import { rows } from '../database.ts';
import { seedGoods } from './goods.ts';
import { seedOrders } from './orders.ts';
import { seedPeople } from './people.ts';
import { seedTrade } from './trade.ts';

export interface SeedSize {
  users: number;
  products: number;
  orders: number;
}

/** Every table that has rows after seeding. */
const TABLES =
  'users products carts cart_items stock reservations stock_reservations orders order_items order_idempotency payments invoices shipments';

/**
 * Fills an empty shop, always with the same rows: everything follows from a row's number. One transaction.
 * @returns false when the shop has users already; then nothing is done
 */
export async function seedShop(db: Db, size: SeedSize): Promise<boolean> {
  const done = await db.transaction(async (trx) => {
    await trx.raw('lock table shop.users in exclusive mode');
    const [user] = await rows(trx, 'select id from shop.users limit 1');
    if (user) return false;
    await seedPeople(trx, size.users);
    await seedGoods(trx, size.products);
    await seedOrders(trx, size);
    await seedTrade(trx, size);
    return true;
  });
  // Visibility map and statistics, so that the first queries are as fast as the later ones.
  if (done) for (const table of TABLES.split(' ')) await db.raw('vacuum analyze shop.??', [table]);
  return done;
}
