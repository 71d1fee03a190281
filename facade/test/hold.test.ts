import { waitFor } from '@strangler/errors';
import { epochOf, readFacades } from '@strangler/ledger';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, openShop, post, type TestFacade, type TestShop, until } from './shop.ts';

let shop: TestShop;
let facades: TestFacade[];
beforeAll(async () => {
  shop = await openShop({ drain: '100ms', fence: '500ms', hold: '1500ms', holdRequests: 20 });
  await shop.ledger.follow();
  facades = await Promise.all([shop.facade(), shop.facade()]);
});
afterEach(() => {
  shop.monolith.handler = shop.monolith.answer;
  shop.service.handler = shop.service.answer;
});

const url = (which = 0) => facades[which]?.url ?? '';
const write = (which = 0) => ask(url(which), '/api/orders', post());
const states = () => shop.ledger.as('monolith', 'operator', (sql) => readFacades(sql, 'orders'));
const obeyed = (run: string) =>
  until(states, (rows) => rows.filter((row) => row.hold === run).length === 2, 'both facades holding');
const writesSeen = () =>
  [...shop.monolith.seen, ...shop.service.seen].filter(({ method }) => method === 'POST').length;

describe('two facades and a hold', () => {
  test('a hold is obeyed by both, reads pass, and a withdrawn hold lets the writes go on', async () => {
    const run = await shop.ledger.startRun();
    await shop.ledger.hold(run, 1, 10_000);
    await obeyed(run.id);
    const before = writesSeen();
    const held = [write(0), write(1), write(0)];
    await until(states, (rows) => rows.reduce((sum, row) => sum + row.held, 0) === 3, 'three held');
    expect(await ask(url(), '/api/orders/7')).toMatchObject({ status: 200 });
    expect(writesSeen()).toBe(before);
    await shop.ledger.release(run);
    for (const answer of await Promise.all(held))
      expect(answer).toMatchObject({ status: 200, from: 'monolith', reason: 'owner' });
  });

  test('trap 54: both follow the ledger to the new owner, and the held writes arrive there once', async () => {
    const run = await shop.ledger.startRun();
    await shop.ledger.hold(run, 1, 10_000);
    await obeyed(run.id);
    shop.service.seen.length = 0;
    const held = [write(0), write(1), write(0), write(1)];
    await until(states, (rows) => rows.reduce((sum, row) => sum + row.held, 0) === 4, 'four held');
    const opened = await shop.ledger.move('monolith', epochOf.parse(1));
    for (const answer of await Promise.all(held))
      expect(answer).toMatchObject({ status: 200, from: 'service' });
    expect(shop.service.seen.filter(({ method }) => method === 'POST')).toHaveLength(4);
    await shop.ledger.release(run);
    await until(states, (rows) => rows.every((row) => row.epoch === opened), 'the epoch being reported');
    await shop.ledger.move('service', opened);
    await until(
      () => write(1),
      ({ from }) => from === 'monolith',
      'the way back',
    );
    await until(
      () => write(0),
      ({ from }) => from === 'monolith',
      'the way back',
    );
  });

  test('trap 56: the hold is bounded in time, and then no write has happened', async () => {
    const run = await shop.ledger.startRun();
    await shop.ledger.hold(run, 7, 10_000);
    await obeyed(run.id);
    const before = writesSeen();
    const asked = performance.now();
    const answer = await write();
    expect(answer).toMatchObject({ status: 503, reason: 'hold', target: null });
    expect(performance.now() - asked).toBeGreaterThanOrEqual(1_450);
    expect(performance.now() - asked).toBeLessThan(2_500);
    expect(writesSeen()).toBe(before);
    await shop.ledger.release(run);
    await until(
      () => write(),
      ({ status }) => status === 200,
      'writes passing again',
    );
    await until(
      () => write(1),
      ({ status }) => status === 200,
      'writes passing again',
    );
  });

  test('trap 56: the hold is bounded in number, and a client that leaves frees its place', async () => {
    const run = await shop.ledger.startRun();
    await shop.ledger.hold(run, 7, 10_000);
    await obeyed(run.id);
    const leave = new AbortController();
    const leaving = Array.from({ length: 20 }, () =>
      ask(url(), '/api/orders', { ...post(), signal: leave.signal }).catch(() => undefined),
    );
    await until(metric('strangler_held'), (held) => held === 20, 'a full house');
    expect(await write()).toMatchObject({ status: 503, reason: 'hold' });
    const before = writesSeen();
    leave.abort();
    await Promise.all(leaving);
    await until(metric('strangler_held'), (held) => held === 0, 'an empty house');
    const held = write();
    await until(metric('strangler_held'), (n) => n === 1, 'a place');
    await shop.ledger.release(run);
    expect(await held).toMatchObject({ status: 200 });
    expect(writesSeen()).toBe(before + 1);
  });

  test('the drain is told when the last write in flight is answered; a nested write passes the hold', async () => {
    let finish = () => {};
    let mark: string | undefined;
    shop.monolith.handler = (request, response) => {
      const value = request.headers['x-strangler-write'];
      mark = typeof value === 'string' ? value : undefined;
      finish = () => shop.monolith.answer(request, response);
    };
    const inFlight = write();
    await waitFor(() => mark, { timeoutMs: 2_000, what: 'the write arriving' });
    shop.monolith.handler = shop.monolith.answer;
    const run = await shop.ledger.startRun();
    await shop.ledger.hold(run, 7, 10_000);
    await obeyed(run.id);
    expect((await states()).map((row) => row.inFlight).sort()).toEqual([0, 1]);
    const nested = { method: 'POST', body: '{}', headers: { 'x-strangler-write': mark ?? '' } };
    expect(await ask(url(1), '/api/orders', nested)).toMatchObject({ status: 200, from: 'monolith' });
    const forged = { ...nested, headers: { 'x-strangler-write': `${mark?.slice(0, -1)}!` } };
    expect(await ask(url(1), '/api/orders', forged)).toMatchObject({ status: 503, reason: 'hold' });
    finish();
    await inFlight;
    await until(states, (rows) => rows.every((row) => row.inFlight === 0), 'the drain being told');
    await shop.ledger.release(run);
    await until(
      () => write(),
      ({ status }) => status === 200,
      'writes passing again',
    );
  });

  test('a fence that lapses undecided opens the old door again', async () => {
    const run = await shop.ledger.startRun();
    await shop.ledger.hold(run, 7, 700);
    await obeyed(run.id);
    await shop.ledger.fence('monolith', epochOf.parse(7), 300);
    const held = await write();
    expect(held).toMatchObject({ status: 200, from: 'monolith' });
    await shop.ledger.release(run);
  });

  test('a facade that stops signs off, and answers what is in flight', async () => {
    const third = await shop.facade();
    await until(states, (rows) => rows.length === 3, 'the third facade');
    let finish = () => {};
    shop.monolith.handler = (request, response) => {
      finish = () => shop.monolith.answer(request, response);
    };
    const seen = writesSeen();
    const inFlight = ask(third.url, '/api/orders', post());
    await until(
      async () => writesSeen(),
      (n) => n === seen + 1,
      'the write arriving',
    );
    const stopped = third.stop();
    await until(
      () =>
        fetch(third.url).then(
          () => 'open',
          () => 'closed',
        ),
      (state) => state === 'closed',
      'the port closing',
    );
    finish();
    expect(await inFlight).toMatchObject({ status: 200 });
    await stopped;
    expect(await states()).toHaveLength(2);
  });
});

function metric(name: string): () => Promise<number> {
  return async () => {
    const response = await fetch(`http://127.0.0.1:${facades[0]?.adminPort}/metrics`);
    const line = (await response.text()).split('\n').find((each) => each.startsWith(`${name}{`));
    return Number(line?.split(' ')[1]);
  };
}
