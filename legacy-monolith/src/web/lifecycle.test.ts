import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { runCommand, shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { asker, shopperOf, wish } from '../../test/shopper.ts';

const database = await shopDatabase();

test('is healthy and ready, and knows no other paths', async () => {
  const { url } = await startShopProcess(database, {}, onTestFinished);
  const ask = asker(url);
  expect((await ask('/health')).status).toBe(200);
  expect(await ask('/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
  expect(await ask('/api/nothing')).toMatchObject({ status: 404, body: { error: 'not_found' } });
});

test('is not ready while its database is out of reach', async () => {
  const { url } = await startShopProcess(
    database,
    { DATABASE_URL: 'postgresql://shop_app@127.0.0.1:1/none' },
    onTestFinished,
  );
  expect((await asker(url)('/health')).status).toBe(200);
  expect(await asker(url)('/ready')).toMatchObject({ status: 503, body: { status: 'not_ready' } });
});

test('on SIGTERM it finishes what is in flight, takes nothing new, and ends with 0', async () => {
  const { url, child, exited } = await startShopProcess(database, {}, onTestFinished);
  const ada = await shopperOf(url, 1);
  const blocker = new pg.Client({ connectionString: database.url() });
  await blocker.connect();
  await blocker.query('begin');
  await blocker.query('select from shop.stock where product_id = 1 for update');
  const order = ada('/api/orders', { body: wish([[1, 1]]) });
  await until(async () => {
    const waiting = await database.query(
      "select from pg_stat_activity where application_name = 'shop' and wait_event_type = 'Lock'",
    );
    return waiting.length > 0;
  });
  child.kill('SIGTERM');
  await until(() =>
    fetch(`${url}/health`).then(
      () => false,
      () => true,
    ),
  );
  await blocker.query('commit');
  await blocker.end();
  const answer = await order;
  expect([answer.status, answer.headers.get('connection')]).toEqual([201, 'close']);
  expect(await exited).toBe(0);
});

test('a wrong environment is named, and a secret is never printed', async () => {
  const env = { DATABASE_URL: 'x', INTERNAL_TOKEN: 'secret', PORT: '99999' };
  await expect(runCommand('main.ts', env)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/wrong environment: PORT: .*JWT_PRIVATE_KEY: .*INTERNAL_TOKEN: /),
  });
  await expect(runCommand('main.ts', env)).rejects.toMatchObject({
    stderr: expect.not.stringContaining('secret'),
  });
});

/** Waits for a condition, looking again and again. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('waited in vain');
  }
}
