import { pause } from '@strangler/errors';
import { type Epoch, epochOf, readFacades, type Side } from '@strangler/ledger';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { ask, openShop, type TestFacade, type TestShop, until } from './shop.ts';
import type { TestUpstream } from './upstream.ts';

/** Writes arrive at a side only while its own database says that it owns; each is noted by its number. */
function guard(shop: TestShop, side: Side, upstream: TestUpstream, written: Map<string, Side[]>): void {
  const pool = new pg.Pool({ connectionString: shop.ledger.databases[side].url(), max: 8 });
  pool.on('error', () => {});
  afterAll(() => pool.end());
  upstream.handler = (request, response) => {
    const number = String(request.headers['x-number']);
    request.resume();
    void pool.query<{ owns: boolean }>(`SELECT strangler.is_owner('orders') AS owns`).then(({ rows }) => {
      if (!rows[0]?.owns) {
        response.writeHead(500).end('SF001');
        return;
      }
      written.set(number, [...(written.get(number) ?? []), side]);
      response.end(JSON.stringify({ from: side }));
    });
  };
}

test('writes from two facades through switches and reverses: none refused, lost or doubled', async () => {
  const shop = await openShop();
  await shop.ledger.follow();
  const facades = await Promise.all([shop.facade(), shop.facade()]);
  const written = new Map<string, Side[]>();
  guard(shop, 'monolith', shop.monolith, written);
  guard(shop, 'service', shop.service, written);
  const acknowledged = new Map<string, string | undefined>();
  const failed: string[] = [];
  const ended = new AbortController();
  const writers = Array.from({ length: 12 }, async (_, writer) => {
    for (let n = 0; !ended.signal.aborted; n += 1) {
      const number = `${writer}/${n}`;
      const url = (facades[(writer + n) % 2] as TestFacade).url;
      const { status, from, reason } = await ask(url, '/api/orders', {
        method: 'POST',
        body: '{}',
        headers: { 'x-number': number, 'x-client': `client ${writer}` },
      });
      if (status === 200) acknowledged.set(number, from);
      else failed.push(`${number}: ${status} ${reason}`);
      await pause(10);
    }
  });
  let epoch: Epoch = epochOf.parse(1);
  let owner: Side = 'monolith';
  const more = async () => {
    const least = acknowledged.size + 40;
    await until(
      async () => acknowledged.size,
      (size) => size >= least,
      'more writes',
    );
  };
  for (let flip = 0; flip < 4; flip += 1) {
    await more();
    const run = await shop.ledger.startRun();
    await shop.ledger.hold(run, Number(epoch), 5_000);
    await until(
      () => shop.ledger.as('monolith', 'operator', (sql) => readFacades(sql, 'orders')),
      (rows) => rows.length === 2 && rows.every((row) => row.hold === run.id && row.inFlight === 0),
      'the drain',
    );
    epoch = await shop.ledger.move(owner, epoch);
    owner = owner === 'monolith' ? 'service' : 'monolith';
    await shop.ledger.release(run);
  }
  await more();
  ended.abort();
  await Promise.all(writers);
  expect(failed).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(100);
  const sides = new Set(acknowledged.values());
  expect([...sides].sort()).toEqual(['monolith', 'service']);
  for (const [number, side] of acknowledged) expect([number, written.get(number)]).toEqual([number, [side]]);
});
