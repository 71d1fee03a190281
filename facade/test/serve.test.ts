import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { serveFacade } from '@strangler/facade';
import { readFacades } from '@strangler/ledger';
import { pino } from 'pino';
import { beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { listen } from '../src/view/listen.ts';
import { ask, openShop, type TestShop, until } from './shop.ts';

let shop: TestShop;
beforeAll(async () => {
  shop = await openShop();
});
const log = pino({ level: 'silent' });
const env = { STRANGLER_COOKIE_SECRET: 'a secret of the tests' };
const admin = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);

test('says on its admin port that it lives, is ready, and whom it sent where', async () => {
  const facade = await shop.facade();
  expect((await admin(facade.adminPort, '/health')).status).toBe(200);
  expect(await (await admin(facade.adminPort, '/ready')).json()).toEqual({ ready: true });
  await ask(facade.url, '/products');
  await ask(facade.url, '/api/orders/7');
  const text = await (await admin(facade.adminPort, '/metrics')).text();
  expect(text).toContain('strangler_requests_total{route="default",target="monolith",reason="default"} 1');
  expect(text).toContain('strangler_requests_total{route="orders.get",target="monolith",reason="flag"} 1');
  for (const name of ['held', 'in_flight', 'view_age_ms'])
    expect(text).toMatch(new RegExp(`strangler_${name}{extraction="orders"} [\\d.]+`));
  expect((await admin(facade.adminPort, '/nothing')).status).toBe(404);
  await facade.stop();
});

test('leaves within its bound with WebSockets and idle connections open, and signs off', async () => {
  const facade = await shop.facade();
  const sockets = new WebSocketServer({ server: shop.monolith.server, path: '/live' });
  const client = new WebSocket(`ws://127.0.0.1:${facade.port}/live`);
  await once(client, 'open');
  const idle = net.connect(facade.port, '127.0.0.1');
  await once(idle, 'connect');
  const kept = new http.Agent({ keepAlive: true });
  await new Promise((resolve) =>
    http.get(`${facade.url}/x`, { agent: kept }, (response) => response.resume().once('end', resolve)),
  );
  await shop.ledger.follow();
  const facades = () => shop.ledger.as('monolith', 'operator', (sql) => readFacades(sql, 'orders'));
  await until(facades, (rows) => rows.some(({ id }) => id === facade.id), 'the report');
  const gone = once(client, 'close');
  idle.on('error', () => {});
  const since = performance.now();
  await facade.stop();
  expect(performance.now() - since).toBeLessThan(3_000);
  await gone;
  expect((await facades()).some(({ id }) => id === facade.id)).toBe(false);
  kept.destroy();
  idle.destroy();
  sockets.close();
});

test('starts with every part out of reach, serves the rest, and refuses what it cannot know', async () => {
  const ended = new AbortController();
  const [extraction] = shop.config.extractions;
  if (!extraction) throw new Error('no extraction');
  const dark = 'postgresql://127.0.0.1:1/nothing';
  const config = {
    ...shop.config,
    monolith: { ...shop.config.monolith, database: dark },
    flags: { unleash: 'http://127.0.0.1:1', token: 'x' },
    extractions: [{ ...extraction, service: { ...extraction.service, database: dark } }],
  };
  const facade = await serveFacade({ config, log, env, signal: ended.signal, port: 0, adminPort: 0 });
  const url = `http://127.0.0.1:${facade.port}`;
  expect(await ask(url, '/products')).toMatchObject({ status: 200, from: 'monolith' });
  expect(await ask(url, '/api/shipping/quote')).toMatchObject({
    status: 200,
    from: 'monolith',
    reason: 'flag',
  });
  expect(await ask(url, '/api/orders/7')).toMatchObject({ status: 503, reason: 'no-view', target: null });
  expect((await admin(facade.adminPort, '/ready')).status).toBe(503);
  ended.abort();
  await facade.stopped;
});

test('leaves while it still connects to hear what its databases tell', async () => {
  const ended = new AbortController();
  const url = shop.ledger.databases.monolith.url();
  const heard = listen({ url, signal: ended.signal, onNotice: () => {} });
  ended.abort();
  await heard;
});

test('trap 48: a ledger of another environment grants nothing', async () => {
  const ended = new AbortController();
  const config = { ...shop.config, environment: 'demo-other' };
  const facade = await serveFacade({ config, log, env, signal: ended.signal, port: 0, adminPort: 0 });
  const url = `http://127.0.0.1:${facade.port}`;
  expect(await ask(url, '/api/orders', { method: 'POST' })).toMatchObject({ status: 503, reason: 'no-view' });
  ended.abort();
  await facade.stopped;
});

test('a taken port and a missing secret are said with their remedy, and nothing stays behind', async () => {
  const facade = await shop.facade();
  const signal = new AbortController().signal;
  const again = { config: shop.config, log, env, signal, adminPort: 0 };
  await expect(serveFacade({ ...again, port: facade.port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await expect(serveFacade({ ...again, port: 0, env: {} })).rejects.toThrow(
    /ENV_MISSING: .*STRANGLER_COOKIE_SECRET/,
  );
  await facade.stop();
});
