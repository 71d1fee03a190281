import { readFile } from 'node:fs/promises';
import { createDatabase, type TestDatabase, templateDatabase } from '@strangler/cluster/testing';
import { migrate } from '../src/migrate.ts';

/** An empty database of the orders service, with its roles and its schema. */
export async function createOrdersDatabase(): Promise<TestDatabase> {
  const template = await templateDatabase('service', 'shop_orders', async (database) => {
    await database.query(await readFile(new URL('../roles.sql', import.meta.url), 'utf8'));
    await migrate(database.url('orders_migrator'));
  });
  return createDatabase('service', { template });
}

/** How many sagas have not ended. */
export async function unfinishedSagas(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select count(*)::int from orders.saga where state not in ('done', 'compensated')`,
  );
  return row?.count ?? Number.NaN;
}
