import { afterAll, beforeAll, expect, test } from 'vitest';
import { INTERNAL_TOKEN, type Monolith, startMonolith } from '../test/monolith.ts';
import { compareAnswers, describeDifference } from './answer.ts';
import type { Cassette, Seed } from './cassette.ts';
import { compareJson } from './compare.ts';
import { parseJson } from './json.ts';
import { keptCassettes } from './kept.ts';
import { keepCassettes } from './record.ts';
import { IdPairs } from './rules.ts';
import { journeys } from './shop/journeys.ts';
import { recordJourneys } from './shop/recorder.ts';
import { readSeed } from './shop/seed.ts';

let monolith: Monolith;
let seed: Seed;
let recorded: Cassette[];

// RECORD=1 keeps what this run recorded: the way to renew the cassettes after the shop's contract has changed.
beforeAll(async () => {
  monolith = await startMonolith();
  seed = await readSeed(monolith.database.url());
  recorded = await recordJourneys({
    monolithUrl: monolith.url,
    internalToken: INTERNAL_TOKEN,
    journeys,
    signal: AbortSignal.timeout(60_000),
  });
  if (process.env['RECORD'] === '1') await keepCassettes(seed, recorded);
});

afterAll(() => monolith?.stop());

test('the kept cassettes say what the shop says today', async () => {
  const kept = await keptCassettes();
  expect(seed).toEqual(kept.seed);
  expect(recorded.map((cassette) => cassette.journey)).toEqual(
    kept.cassettes.map((cassette) => cassette.journey),
  );
  const differences = kept.cassettes.flatMap((cassette, index) => {
    const now = recorded[index];
    return now === undefined ? [`${cassette.journey}: missing`] : differencesOf(cassette, now);
  });
  expect(differences).toEqual([]);
});

function differencesOf(kept: Cassette, now: Cassette): string[] {
  const ids = new IdPairs();
  return kept.exchanges.flatMap((exchange, index) => {
    const again = now.exchanges[index];
    if (again === undefined) return [`${kept.journey}: exchange ${index} is missing`];
    const route = `${exchange.request.method} ${exchange.request.path}`;
    const answers = compareAnswers(exchange.answer, again.answer, { body: kept.rules, ids });
    const text = (value: unknown) => parseJson(JSON.stringify(value));
    const rules = [
      { path: '$[*].body.orderId', as: 'id', sameUpTo: 50 },
      { path: '$[*].answer.orderId', as: 'id', sameUpTo: 50 },
    ] as const;
    const calls = compareJson(text(exchange.calls), text(again.calls), rules, ids);
    return [...answers, ...calls].map((found) =>
      describeDifference(route, found, { left: 'cassette', right: 'shop' }),
    );
  });
}

test('no secret is kept', async () => {
  const text = JSON.stringify(recorded);
  expect(text).not.toContain('eyJ');
  expect(text).not.toContain(INTERNAL_TOKEN);
  expect(text.toLowerCase()).not.toContain('authorization');
});

test('the recording is worth comparing: every status of the contract, and every call that the contexts know', () => {
  const exchanges = recorded.flatMap((cassette) => cassette.exchanges);
  const statuses = new Set(exchanges.map((exchange) => exchange.answer.status));
  expect([...statuses].sort()).toEqual([200, 201, 400, 401, 402, 404, 409, 422]);
  const calls = exchanges.flatMap((exchange) => exchange.calls.map((call) => `${call.path} ${call.status}`));
  expect([...new Set(calls)].sort()).toEqual([
    '/internal/inventory/confirm 200',
    '/internal/inventory/release 200',
    '/internal/inventory/reserve 200',
    '/internal/inventory/reserve 400',
    '/internal/inventory/reserve 409',
    '/internal/payments/charge 200',
    '/internal/payments/charge 402',
    '/internal/payments/refund 200',
    '/internal/payments/settle 200',
  ]);
});
