import type { Rule } from '../rules.ts';

/** A call that the service must make while a step is answered; `{name}` stands for a captured or a fresh id. */
export interface ExpectedCall {
  path: string;
  body: { orderId: string | number; [member: string]: unknown };
}

export interface Step {
  method: 'GET' | 'POST';
  path: string;
  /** The seeded user who asks; nobody when absent. */
  as?: number;
  key?: string;
  /** An object is sent as JSON, a text as it stands. */
  body?: unknown;
  capture?: string;
  calls?: ExpectedCall[];
}

export interface Journey {
  name: string;
  steps: Step[];
}

/** How many users and orders the shop is seeded with for a recording; ids up to here are the same on both sides. */
export const SEEDED = { users: 20, orders: 50, products: 1_000 };

/** Where answers to the journeys may differ between sides that answer alike. */
export function contractRules(recordedAt: string): Rule[] {
  return [
    { path: '$.id', as: 'id', sameUpTo: SEEDED.orders },
    { path: '$.orderId', as: 'id', sameUpTo: SEEDED.orders },
    { path: '$.orders[*].id', as: 'id', sameUpTo: SEEDED.orders },
    { path: '$.createdAt', as: 'time', sameBefore: recordedAt },
    { path: '$.orders[*].createdAt', as: 'time', sameBefore: recordedAt },
  ];
}

const GOOD = '4242424242424242';
const DECLINED = '4000000000000002';
const orders = '/api/orders';

const get = (path: string, as?: number): Step => ({
  method: 'GET',
  path,
  ...(as === undefined ? {} : { as }),
});
const post = (path: string, as: number | undefined, rest: Partial<Step> = {}): Step => ({
  method: 'POST',
  path,
  ...(as === undefined ? {} : { as }),
  ...rest,
});
const wish = (productId: number, quantity: number) => ({ productId, quantity });
const request = (items: unknown, card = GOOD) => ({ items, payment: { card } });

const reserve = (orderId: string, items: unknown): ExpectedCall => ({
  path: '/internal/inventory/reserve',
  body: { orderId, items },
});
const charge = (orderId: string, amount: string, card = GOOD): ExpectedCall => ({
  path: '/internal/payments/charge',
  body: { orderId, amount, card },
});
const confirm = (orderId: string): ExpectedCall => ({
  path: '/internal/inventory/confirm',
  body: { orderId },
});
const settle = (orderId: string): ExpectedCall => ({ path: '/internal/payments/settle', body: { orderId } });
const undo = (orderId: string | number): ExpectedCall[] => [
  { path: '/internal/inventory/release', body: { orderId } },
  { path: '/internal/payments/refund', body: { orderId } },
];

const books = [wish(7, 2), wish(3, 1)];
/** Product 7 costs 63.06, product 3 costs 113.02. */
const booksTotal = '239.14';
const placeBooks = (as: number, capture: string, rest: Partial<Step> = {}): Step =>
  post(orders, as, {
    body: request(books),
    capture,
    calls: [reserve(`{${capture}}`, books), charge(`{${capture}}`, booksTotal), confirm(`{${capture}}`)],
    ...rest,
  });

const reading: Journey[] = [
  {
    name: 'reading seeded orders',
    steps: [
      // Of every status, with and without several lines.
      ...[1, 2, 3, 10, 13, 50].map((order) => get(`${orders}/${order}`, 1 + ((order * 7919) % SEEDED.users))),
      get(`${orders}/1`, 2),
      ...['0', '51', 'x', '1.5', '-1', '01', '9007199254740993'].map((id) => get(`${orders}/${id}`, 20)),
    ],
  },
  {
    name: 'listing orders',
    steps: [
      get(orders, 18),
      get(orders, 11),
      ...['1', '2', '100', '007'].map((limit) => get(`${orders}?limit=${limit}`, 18)),
      ...['0', '101', 'x', '', '1.5', '-1', '1&limit=2'].map((limit) => get(`${orders}?limit=${limit}`, 18)),
    ],
  },
  {
    name: 'nobody',
    steps: [
      get(orders),
      get(`${orders}/1`),
      post(orders, undefined, { body: request(books) }),
      post(`${orders}/1/cancel`, undefined),
    ],
  },
  {
    name: 'shipping quotes',
    steps: [
      ...[
        'weight=2.5&country=DE',
        'weight=0.001&country=fr',
        'weight=1000&country=JP',
        'weight=12.345&country=PT',
      ],
      ...[
        '',
        'weight=0&country=DE',
        'weight=1001&country=DE',
        'weight=1&country=DEU',
        'weight=1e2&country=DE',
      ],
    ].map((query) => get(`/api/shipping/quote?${query}`)),
  },
];

const placing: Journey[] = [
  {
    name: 'placing an order, reading and listing it',
    steps: [
      placeBooks(4, 'placed'),
      get(`${orders}/{placed}`, 4),
      get(`${orders}?limit=2`, 4),
      get(`${orders}/{placed}`, 5),
    ],
  },
  {
    name: 'the same request again',
    steps: [
      placeBooks(5, 'placed', { key: 'journey' }),
      post(orders, 5, { body: request(books), key: 'journey' }),
      post(orders, 5, { body: request([wish(7, 3)]), key: 'journey' }),
      post(orders, 5, { body: request(books, DECLINED), key: 'journey' }),
      post(orders, 5, { body: request(books), key: 'x'.repeat(201) }),
    ],
  },
  {
    name: 'a request that was answered before the extraction',
    steps: [
      post(orders, 11, { body: request([wish(648, 1), wish(745, 2)]), key: 'seed-50' }),
      post(orders, 11, { body: request([wish(648, 1)]), key: 'seed-50' }),
    ],
  },
  {
    name: 'an order that is refused',
    steps: [
      post(orders, 6, {
        body: request([wish(7, 1), wish(8, 1_000_000)]),
        calls: [reserve('{fresh}', [wish(7, 1), wish(8, 1_000_000)]), ...undo('{fresh}')],
      }),
      post(orders, 6, {
        body: request([wish(7, 1), wish(5_000, 1)]),
        calls: [reserve('{fresh}', [wish(7, 1), wish(5_000, 1)]), ...undo('{fresh}')],
      }),
      post(orders, 6, {
        body: request(books, DECLINED),
        key: 'declined',
        calls: [reserve('{fresh}', books), charge('{fresh}', booksTotal, DECLINED), ...undo('{fresh}')],
      }),
      placeBooks(6, 'placed', { key: 'declined' }),
      get(orders, 6),
    ],
  },
  {
    name: 'requests that make no sense',
    steps: [
      ...[
        {},
        request([]),
        request([wish(7, 0)]),
        request([wish(7, 1.5)]),
        request([wish(-7, 1)]),
        request([wish(7, 1)], '42'),
        request(Array.from({ length: 51 }, () => wish(7, 1))),
        { items: [wish(7, 1)] },
        '{"items":',
        '[]',
      ].map((body) => post(orders, 7, { body })),
      post(orders, 7),
    ],
  },
];

const changing: Journey[] = [
  {
    name: 'cancelling',
    steps: [
      placeBooks(8, 'placed'),
      post(`${orders}/{placed}/cancel`, 9),
      post(`${orders}/{placed}/cancel`, 8, { calls: undo('{placed}') }),
      post(`${orders}/{placed}/cancel`, 8),
      get(`${orders}/{placed}`, 8),
      post('/api/payments/callback', undefined, { body: '{"orderId":{placed},"event":"settled"}' }),
    ],
  },
  {
    name: 'cancelling seeded orders',
    steps: [
      post(`${orders}/3/cancel`, 18, { calls: undo(3) }),
      post(`${orders}/2/cancel`, 19, { calls: undo(2) }),
      post(`${orders}/1/cancel`, 20),
      post(`${orders}/10/cancel`, 11),
      post(`${orders}/999999/cancel`, 11),
      post(`${orders}/x/cancel`, 11),
    ],
  },
  {
    name: 'paying',
    steps: [
      placeBooks(12, 'placed'),
      post('/api/payments/callback', undefined, {
        body: '{"orderId":{placed},"event":"settled"}',
        calls: [settle('{placed}')],
      }),
      post('/api/payments/callback', undefined, { body: '{"orderId":{placed},"event":"settled"}' }),
      get(`${orders}/{placed}`, 12),
      post(`${orders}/{placed}/cancel`, 12, { calls: undo('{placed}') }),
      post('/api/payments/callback', undefined, { body: { orderId: 1, event: 'settled' } }),
      post('/api/payments/callback', undefined, { body: { orderId: 999_999, event: 'settled' } }),
      post('/api/payments/callback', undefined, { body: { orderId: 2, event: 'refunded' } }),
      post('/api/payments/callback', undefined, { body: {} }),
    ],
  },
];

/** What the contract promises about orders and shipping, as a client lives it. On seeded data only, in this order. */
export const journeys: readonly Journey[] = [...reading, ...placing, ...changing];
