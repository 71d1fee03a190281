import { StranglerError } from '@strangler/errors';
import { describe, expect, it } from 'vitest';
import { type Config, type ConfigInput, extractionOf, flagName, parseConfig } from './index.ts';

const secret = 's3cret-of-the-database';

/** A small config that is right. */
const right = () =>
  ({
    environment: 'demo',
    monolith: { url: 'http://monolith:4000/', database: `postgresql://app:${secret}@db:5433/shop` },
    flags: { unleash: 'http://unleash:4242/', token: 'token-of-unleash' },
    extractions: {
      orders: {
        service: { url: 'http://orders:4101', database: 'postgresql://db:5434/orders' },
        client: { jwt: 'sub', cookie: 'sid' },
        routes: {
          create: 'POST /api/orders',
          get: 'GET /api/orders/:id',
          confirm: { match: 'GET /orders/confirm', writes: true },
          search: { match: 'POST /api/orders/search', writes: false },
        },
        readers: ['GET /account', { match: 'GET /api/reports/sales', late: 'serve' }],
        tables: {
          orders: {
            to: 'sales.customer_order',
            columns: {
              status: { to: 'state', from: 'status::text', back: 'state::order_status' },
              notes: { omit: true },
            },
          },
          '"Order Items"': {},
        },
        unfinished: { service: 'SELECT 0' },
        parity: { requests: ['GET /api/orders'], clients: [{ authorization: 'Bearer x' }] },
      },
    },
    routes: { quote: { match: 'GET /api/quote', service: 'http://orders:4101/' } },
  }) satisfies ConfigInput;

/** What a test does to the right config: plain objects, so that it can be wrong in every way. */
type Loose = { [key: string]: Loose } & Record<string, unknown>;
const wrong = (change: (config: Loose, orders: Loose) => void): unknown => {
  const config = structuredClone(right()) as unknown as Loose;
  const orders = config['extractions']?.['orders'];
  if (!orders) throw new Error('the right config has orders');
  change(config, orders);
  return config;
};

function refusal(input: unknown): StranglerError {
  try {
    parseConfig(input, 'shop/strangler.config.ts');
  } catch (error) {
    if (error instanceof StranglerError) return error;
    throw error;
  }
  throw new Error('the config was taken');
}

describe('a right config', () => {
  it('is read with its defaults, kinds of routes and names to the letter', () => {
    const { hash, ...config } = parseConfig(right(), 'strangler.config.ts');
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(config).toMatchInlineSnapshot(`
      {
        "environment": "demo",
        "extractions": [
          {
            "client": {
              "cookie": "sid",
              "jwt": "sub",
            },
            "engine": "embedded",
            "limits": {
              "drainMs": 1000,
              "fenceMs": 2000,
              "holdMs": 6000,
              "holdRequests": 1000,
              "lagMs": 2000,
              "lateMs": 2000,
              "ownWriteMs": 50,
              "walBytes": 10000000000n,
            },
            "name": "orders",
            "parity": {
              "clients": [
                {
                  "authorization": "Bearer x",
                },
              ],
              "ignore": [],
              "requests": [
                "GET /api/orders",
              ],
            },
            "plainArrays": false,
            "readers": [
              {
                "late": "refuse",
                "method": "GET",
                "name": "GET /account",
                "path": "/account",
              },
              {
                "late": "serve",
                "method": "GET",
                "name": "GET /api/reports/sales",
                "path": "/api/reports/sales",
              },
            ],
            "routes": [
              {
                "kind": "write",
                "method": "POST",
                "name": "create",
                "path": "/api/orders",
              },
              {
                "kind": "read",
                "method": "GET",
                "name": "get",
                "path": "/api/orders/:id",
              },
              {
                "kind": "write",
                "method": "GET",
                "name": "confirm",
                "path": "/orders/confirm",
              },
              {
                "kind": "read",
                "method": "POST",
                "name": "search",
                "path": "/api/orders/search",
              },
            ],
            "service": {
              "database": "postgresql://db:5434/orders",
              "url": "http://orders:4101",
            },
            "tables": [
              {
                "columns": [
                  {
                    "back": "state::order_status",
                    "column": "status",
                    "from": "status::text",
                    "omit": false,
                    "to": "state",
                  },
                  {
                    "column": "notes",
                    "omit": true,
                    "to": "notes",
                  },
                ],
                "monolith": {
                  "name": "orders",
                  "schema": "public",
                },
                "service": {
                  "name": "customer_order",
                  "schema": "sales",
                },
              },
              {
                "columns": [],
                "monolith": {
                  "name": "Order Items",
                  "schema": "public",
                },
                "service": {
                  "name": "Order Items",
                  "schema": "public",
                },
              },
            ],
            "unfinished": {
              "service": "SELECT 0",
            },
          },
        ],
        "flags": {
          "token": "token-of-unleash",
          "unleash": "http://unleash:4242",
        },
        "monolith": {
          "database": "postgresql://app:s3cret-of-the-database@db:5433/shop",
          "url": "http://monolith:4000",
        },
        "path": "strangler.config.ts",
        "routes": [
          {
            "client": {},
            "method": "GET",
            "name": "quote",
            "path": "/api/quote",
            "service": "http://orders:4101",
          },
        ],
      }
    `);
  });

  it('is frozen, all the way down', () => {
    const config = parseConfig(right(), 'strangler.config.ts');
    const limits: { lagMs: number } | undefined = config.extractions[0]?.limits;
    expect(() => {
      if (limits) limits.lagMs = 0;
    }).toThrow(TypeError);
    expect(Object.isFrozen(config.extractions[0]?.tables[0]?.columns)).toBe(true);
  });

  it('needs neither extractions nor routes', () => {
    const { environment, monolith } = right();
    expect(parseConfig({ environment, monolith }, 'c.ts')).toMatchObject({ extractions: [], routes: [] });
  });

  it('reads durations and sizes', () => {
    const config = parseConfig(
      wrong((_, orders) => {
        orders['limits'] = { lag: '1.5s', drain: '250ms', hold: '1m', wal: '1.5GB' } as unknown as Loose;
      }),
      'c.ts',
    );
    expect(config.extractions[0]?.limits).toMatchObject({
      lagMs: 1_500,
      drainMs: 250,
      holdMs: 60_000,
      walBytes: 1_500_000_000n,
    });
  });
});

describe('a wrong config says where and what, and what to do', () => {
  const cases: Record<string, [string, (config: Loose, orders: Loose) => void]> = {
    'an unknown key': [
      '(root): Unrecognized key: "extractons"',
      (config) => Object.assign(config, { extractons: {} }),
    ],
    'an unknown key far down': [
      'extractions.orders.tables.orders: Unrecognized key: "colums"',
      (_, orders) => Object.assign(orders['tables']?.['orders'] ?? {}, { colums: {} }),
    ],
    'a wrong type': [
      'extractions.orders.limits.lag: Invalid input: expected string, received number',
      (_, orders) => Object.assign(orders, { limits: { lag: 2 } }),
    ],
    'a missing key': [
      'extractions.orders.tables: Invalid input: expected record, received undefined',
      (_, orders) => {
        delete orders['tables'];
      },
    ],
    'a name with capitals': [
      'environment: lower-case letters, digits and hyphens',
      (config) => Object.assign(config, { environment: 'Demo' }),
    ],
    'a name of an extraction with an underscore': [
      'extractions.my_orders: lower-case letters, digits and hyphens',
      (config, orders) => Object.assign(config, { extractions: { my_orders: orders } }),
    ],
    'an address without a scheme': [
      'monolith.url: an address such as http://127.0.0.1:4000',
      (config) => Object.assign(config['monolith'] ?? {}, { url: 'localhost:4000' }),
    ],
    'another database': [
      'monolith.database: an address such as postgresql://host:5432/database',
      (config) => Object.assign(config['monolith'] ?? {}, { database: `mysql://root:${secret}@db/shop` }),
    ],
    'a database without a host': [
      'monolith.database: an address such as postgresql://host:5432/database',
      (config) => Object.assign(config['monolith'] ?? {}, { database: 'postgresql:///shop' }),
    ],
    'no database in the address': [
      'monolith.database: an address such as postgresql://host:5432/database',
      (config) => Object.assign(config['monolith'] ?? {}, { database: `postgresql://app:${secret}@db` }),
    ],
    'a method that is none': [
      'extractions.orders.routes.get: a method and a path, such as GET /api/orders/:id',
      (_, orders) => Object.assign(orders['routes'] ?? {}, { get: 'FETCH /x' }),
    ],
    'an unknown key in a route': [
      'extractions.orders.routes.get: Unrecognized key: "write"',
      (_, orders) => Object.assign(orders['routes'] ?? {}, { get: { match: 'GET /x', write: true } }),
    ],
    'a route that is a number': [
      'extractions.orders.routes.get: neither of the forms that docs/config.md has for it',
      (_, orders) => Object.assign(orders['routes'] ?? {}, { get: 7 }),
    ],
    'a path that is no pattern': [
      'extractions.orders.routes.get: Missing parameter name at index 4: /x/:',
      (_, orders) => Object.assign(orders['routes'] ?? {}, { get: 'GET /x/:' }),
    ],
    'a reader with an unknown way of being late': [
      'extractions.orders.readers.0.late: Invalid option: expected one of "refuse"|"serve"',
      (_, orders) => Object.assign(orders, { readers: [{ match: 'GET /x', late: 'never' }] }),
    ],
    'a duration without a unit': [
      'extractions.orders.limits.drain: a duration such as 500ms, 2s or 1m',
      (_, orders) => Object.assign(orders, { limits: { drain: '2' } }),
    ],
    'a size without a unit': [
      'extractions.orders.limits.wal: a size such as 500MB or 10GB',
      (_, orders) => Object.assign(orders, { limits: { wal: '10' } }),
    ],
    'a bound of nothing': [
      'extractions.orders.limits.holdRequests: Too small',
      (_, orders) => Object.assign(orders, { limits: { holdRequests: 0 } }),
    ],
    'a hold shorter than what it waits for': [
      'extractions.orders.limits.hold: 4499 ms is shorter than twice the drain, the fence and a margin: 4500 ms',
      (_, orders) => Object.assign(orders, { limits: { hold: '4499ms', drain: '1s', fence: '2s' } }),
    ],
    'a table of three parts': [
      'extractions.orders.tables.a.b.c: not a table name: a.b.c',
      (_, orders) => Object.assign(orders, { tables: { 'a.b.c': {} } }),
    ],
    "a service's table of three parts": [
      'extractions.orders.tables.a: not a table name: x.y.z',
      (_, orders) => Object.assign(orders, { tables: { a: { to: 'x.y.z' } } }),
    ],
    'a route that two owners claim': [
      'GET /api/Orders/:number/ is claimed by extractions.orders.routes.get and by routes.other',
      (config) =>
        Object.assign(config['routes'] ?? {}, {
          other: { match: 'GET /api/Orders/:number/', service: 'http://x' },
        }),
    ],
    'a reader that is also a route': [
      'GET /api/orders/:id is claimed by extractions.orders.routes.get and by extractions.orders.readers.0',
      (_, orders) => Object.assign(orders, { readers: ['GET /api/orders/:id'] }),
    ],
    'a table that two extractions claim': [
      `the monolith's table "public"."orders" is claimed by extractions.orders.tables and by extractions.more.tables`,
      (config) =>
        Object.assign(config['extractions'] ?? {}, {
          more: { service: right().extractions.orders.service, tables: { 'public.orders': { to: 'x' } } },
        }),
    ],
    "two tables for one of the service's": [
      `the service's table "sales"."customer_order" is claimed by extractions.orders.tables ("public"."orders") and by`,
      (_, orders) => Object.assign(orders['tables'] ?? {}, { archive: { to: 'sales.customer_order' } }),
    ],
  };

  it.each(Object.entries(cases))('%s', (_, [words, change]) => {
    const error = refusal(wrong(change));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 3 });
    expect(error.fact).toContain(`shop/strangler.config.ts: ${words}`);
    expect(error.remedy).toBe('Correct the config; docs/config.md lists every key.');
    expect(error.message).not.toContain(secret);
  });

  it('names every mistake at once', () => {
    const error = refusal(
      wrong((config) => {
        Object.assign(config, { environment: 3 });
        Object.assign(config['monolith'] ?? {}, { databse: 'x' });
      }),
    );
    expect(error.fact).toContain('environment: Invalid input');
    expect(error.fact).toContain('monolith: Unrecognized key: "databse"');
  });

  it.each([[undefined], [null], ['text'], [[]]])('%j is no config', (input) => {
    expect(refusal(input).fact).toContain('(root): Invalid input: expected object');
  });

  it('lets two extractions name their own tables alike, and routes overlap that differ', () => {
    const config = parseConfig(
      wrong((each) => {
        Object.assign(each['extractions'] ?? {}, {
          more: {
            service: { url: 'http://x', database: 'postgresql://db:5434/other' },
            tables: { archive: { to: 'sales.customer_order' } },
            routes: {
              create: 'PUT /api/orders',
              export: 'GET /api/orders/export',
              tree: 'GET /api/orders/*rest',
            },
          },
        });
      }),
      'c.ts',
    );
    expect(config.extractions.map((each) => each.name)).toEqual(['orders', 'more']);
  });
});

describe("a config's hash", () => {
  const hashOf = (change: (config: Loose, orders: Loose) => void): Config['hash'] =>
    parseConfig(wrong(change), 'c.ts').hash;
  const same = hashOf(() => {});

  it('is the same wherever it is deployed: no address, no secret, no limit is in it', () => {
    expect(hashOf(() => {})).toBe(same);
    expect(
      hashOf((config, orders) => {
        config['environment'] = 'production' as unknown as Loose;
        config['monolith'] = {
          url: 'https://other',
          database: 'postgresql://other/shop',
        } as unknown as Loose;
        config['flags'] = { unleash: 'https://flags', token: 'another token' } as unknown as Loose;
        orders['service'] = { url: 'https://o', database: 'postgresql://other/orders' } as unknown as Loose;
        Object.assign(orders['parity'] ?? {}, { clients: [{ authorization: 'Bearer other' }] });
        Object.assign(orders, { limits: { lag: '9s' } });
        Object.assign(config['routes']?.['quote'] ?? {}, { service: 'https://o' });
      }),
    ).toBe(same);
  });

  it('changes with what is moved, and how', () => {
    const changes = [
      hashOf((_, orders) => Object.assign(orders['tables'] ?? {}, { more: {} })),
      hashOf((_, orders) => Object.assign(orders['tables']?.['orders'] ?? {}, { to: 'other' })),
      hashOf((_, orders) => Object.assign(orders['routes'] ?? {}, { create: 'PUT /api/orders' })),
      hashOf((_, orders) => Object.assign(orders, { readers: [] })),
      hashOf((config) => Object.assign(config['routes']?.['quote'] ?? {}, { match: 'GET /quote' })),
    ];
    expect(new Set([same, ...changes]).size).toBe(changes.length + 1);
  });
});

describe('names', () => {
  it('finds an extraction, or says which there are', () => {
    const config = parseConfig(right(), 'c.ts');
    expect(extractionOf(config, 'orders').name).toBe('orders');
    expect(() => extractionOf(config, 'order')).toThrow(
      'USAGE: There is no extraction order. The config has: orders.',
    );
  });

  it('names flags by extraction and route', () => {
    expect(flagName('orders', 'get')).toBe('strangler.orders.get');
    expect(flagName(undefined, 'quote')).toBe('strangler.route.quote');
  });
});
