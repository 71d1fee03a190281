import { createLogger, type Service } from '@shop/service-kit';
import type { TestDatabase } from '@strangler/cluster/testing';
import { type Cassette, keptCassettes } from '@strangler/parity';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReplayer, loadSeed, MONOLITH, type Replayer } from '../test/replay.ts';
import { createOrdersDatabase, unfinishedSagas } from '../test/service-database.ts';
import { readConfiguration } from './configuration.ts';
import { startOrders } from './service.ts';

const { seed, cassettes } = await keptCassettes();

let database: TestDatabase;
let service: Service;
let replayer: Replayer;

// In this process, since nock answers here for the monolith.
beforeAll(async () => {
  database = await createOrdersDatabase();
  await loadSeed(database, seed);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const configuration = readConfiguration({
    PORT: '0',
    DATABASE_URL: database.url('orders_app'),
    MONOLITH_URL: MONOLITH,
    JWKS_URL: `${MONOLITH}/.well-known/jwks.json`,
    INTERNAL_TOKEN: 'internal',
    RECOVERY_INTERVAL_MS: '60000',
  });
  service = await startOrders(configuration, createLogger('orders', 'silent'));
  replayer = createReplayer({
    serviceUrl: `http://127.0.0.1:${service.port}`,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'test' }] },
    tokenFor: (user) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'ES256', kid: 'test' })
        .setIssuer('fig-and-sons')
        .setSubject(String(user))
        .sign(privateKey),
  });
});
afterAll(async () => {
  await service?.stop();
  replayer?.stop();
});

test.each(cassettes.map((cassette) => [cassette.journey, cassette] as const))(
  'the service answers alike: %s',
  async (_journey, cassette) => {
    expect(await replayer.replay(cassette)).toEqual([]);
    expect(await unfinishedSagas(database)).toBe(0);
  },
);

function cassetteNamed(journey: string): Cassette {
  const cassette = cassettes.find((candidate) => candidate.journey === journey);
  if (cassette === undefined) throw new Error(`no cassette ${journey}`);
  return structuredClone(cassette);
}

test('a planted difference in one field is named: the route, the path of the field, both values', async () => {
  const planted = cassetteNamed('reading seeded orders');
  const exchange = planted.exchanges.find((candidate) => candidate.request.path === '/api/orders/50');
  // Others of them were changed by the journeys meanwhile.
  planted.exchanges = planted.exchanges.filter((candidate) => candidate === exchange);
  if (exchange === undefined) throw new Error('order 50 was not read');
  const [, price] = /"unitPrice":"([\d.]+)"/.exec(exchange.answer.body) ?? [];
  exchange.answer.body = exchange.answer.body.replace(`"unitPrice":"${price}"`, '"unitPrice":"0.01"');
  expect(await replayer.replay(planted)).toEqual([
    `GET /api/orders/50: $.items[0].unitPrice is "0.01" at the monolith, "${price}" at the service`,
  ]);
});

test.each([
  [
    'a status',
    (c: Cassette) => editAnswer(c, (answer) => ({ ...answer, status: 418 })),
    /status is 418 .* 200 /,
  ],
  [
    'a header',
    (c: Cassette) => editAnswer(c, (answer) => ({ ...answer, headers: { ...answer.headers, etag: '"1"' } })),
    /header etag is "1" .* nothing /,
  ],
  [
    'a seeded time',
    (c: Cassette) =>
      editAnswer(c, (answer) => ({ ...answer, body: answer.body.replace(/\.\d{6}Z/, '.000000Z') })),
    /\$\.createdAt is /,
  ],
] as const)('a planted difference in %s is named', async (_what, plant, line) => {
  const first = cassetteNamed('reading seeded orders');
  first.exchanges.splice(1);
  const found = await replayer.replay(plant(first));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(line);
});

function editAnswer(
  cassette: Cassette,
  edit: (answer: Cassette['exchanges'][number]['answer']) => Cassette['exchanges'][number]['answer'],
): Cassette {
  const [first] = cassette.exchanges;
  if (first === undefined) throw new Error('an empty cassette');
  first.answer = edit(first.answer);
  return cassette;
}

test('a planted difference in what the contexts are asked is named, and so is a call that is left out', async () => {
  const planted = cassetteNamed('placing an order, reading and listing it');
  const [place] = planted.exchanges;
  const charge = place?.calls.find((call) => call.path === '/internal/payments/charge');
  if (place === undefined || charge === undefined) throw new Error('nothing was charged');
  const body = JSON.stringify(charge.body).replace('"239.14"', '"239.15"');
  charge.body = JSON.parse(body);
  place.calls.push({ path: '/internal/payments/settle', body: { orderId: 51 }, status: 200, answer: {} });
  planted.exchanges.splice(1);
  expect(await replayer.replay(planted)).toEqual([
    'POST /api/orders: call /internal/payments/charge $.amount is "239.15" at the monolith, "239.14" at the service',
    'POST /api/orders: call /internal/payments/settle is {"orderId":51} at the monolith, nothing at the service',
  ]);
});
