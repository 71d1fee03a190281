import pg from 'pg';

/**
 * Settings under which autovacuum comes again and again to every table that the shoppers write, a switch or not. Not
 * more often, and without analysing each time, which a vacuum does not need: that would only show that two cores are
 * two cores.
 */
export const busyAutovacuum = {
  autovacuum_naptime: '3s',
  autovacuum_vacuum_threshold: '50',
  autovacuum_vacuum_scale_factor: '0',
  autovacuum_vacuum_insert_threshold: '50',
  autovacuum_vacuum_insert_scale_factor: '0',
};

/** A report that reads for five seconds in one transaction, on both sides. Resolves when both are open. */
export async function openReports(urls: { monolith: string; service: string }): Promise<() => Promise<void>> {
  const reports = await Promise.all([
    openReport(urls.monolith, 'select count(*), sum(total) from shop.orders'),
    openReport(urls.service, 'select count(*), sum(total_cents) from orders.customer_order'),
  ]);
  return async () => void (await Promise.all(reports.map((report) => report())));
}

async function openReport(url: string, sql: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url, application_name: 'report' });
  client.on('error', () => {});
  await client.connect();
  await client.query('begin isolation level repeatable read read only');
  await client.query(sql);
  const reading = client
    .query('select pg_sleep(5)')
    .then(() => client.query(sql))
    .finally(() => client.end());
  // Its failure is met where it is awaited.
  reading.catch(() => {});
  return async () => void (await reading);
}
