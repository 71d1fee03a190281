import { parseConfig } from '@strangler/config';
import fc from 'fast-check';
import { pathToRegexp } from 'path-to-regexp';
import { describe, expect, test } from 'vitest';
import { normalise, pathOf } from './path.ts';
import { createMatch, routesOf } from './routes.ts';

const config = parseConfig(
  {
    environment: 'test',
    monolith: { url: 'http://m', database: 'postgresql://h/m' },
    extractions: {
      orders: {
        service: { url: 'http://s', database: 'postgresql://h/s' },
        routes: {
          create: 'POST /api/orders',
          get: 'GET /api/orders/:id',
          recent: 'GET /api/orders/recent',
          files: 'GET /files/*rest',
          page: { match: 'GET /orders/new/confirm', writes: true },
        },
        readers: ['GET /account'],
        tables: { orders: {} },
      },
    },
    routes: { quote: { match: 'GET /api/shipping/quote', service: 'http://s' } },
  },
  'test',
);
const routes = routesOf(config);
const match = createMatch(routes);
const named = (method: string, target: string) => match(method, target)?.name;

describe('matching', () => {
  test.each([
    ['POST', '/api/orders', 'create'],
    ['POST', '/api/orders/', 'create'],
    ['POST', '/API/Orders?x=1', 'create'],
    ['POST', '/api/orders?next=/../x', 'create'],
    ['POST', 'http://shop.example/api/orders?x', 'create'],
    ['GET', '/api/orders/7', 'get'],
    ['GET', '/api/orders/recent', 'recent'],
    ['HEAD', '/api/orders/7', 'get'],
    ['GET', '/files/a/b', 'files'],
    ['GET', '/orders/new/confirm', 'page'],
    ['HEAD', '/orders/new/confirm', undefined],
    ['GET', '/account', 'GET /account'],
    ['GET', '/api/shipping/quote?weight=2', 'quote'],
    ['GET', '/api/orders/7/items', undefined],
    ['DELETE', '/api/orders/7', undefined],
    ['GET', '/', undefined],
    ['OPTIONS', '*', undefined],
  ])('%s %s is %s', (method, target, route) => expect(named(method, target)).toBe(route));

  test.each([
    '//api/orders',
    '/api//orders',
    '/x/../api/orders',
    '/api/./orders',
    '/api/%6frders',
    '/api%2Forders',
    '/x/%2e%2e/api/orders',
    '/api/orders;v=1',
    '/api\\orders',
    '/api/%256frders',
    '/%zz/../api/orders',
  ])('a write does not slip by as %s', (target) => expect(named('POST', target)).toBe('create'));

  test('a write wins over what the letters say', () => {
    expect(named('GET', '/api/orders/..%2f..%2forders%2fnew%2fconfirm')).toBe('page');
  });

  const part = fc.constantFrom(
    'api',
    'orders',
    'recent',
    '7',
    '..',
    '.',
    '',
    '%2e%2e',
    '%2F',
    ';a=1',
    '%41',
    'É',
    '%',
  );
  const path = fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`);

  test('normalising twice is normalising once, and leaves nothing to normalise but what is no encoding', () => {
    fc.assert(
      fc.property(path, (given) => {
        const once = normalise(given);
        expect(normalise(once)).toBe(once);
        expect(once).toMatch(/^\//);
        expect(once).not.toMatch(/\/\/|\/\.\.?(\/|$)|;|%41/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the look-up agrees with trying every route in turn, the exact ones first', () => {
    const ordered = [...routes].sort((a, b) => Number(/[:*]/.test(a.path)) - Number(/[:*]/.test(b.path)));
    const plain = (method: string, given: string) =>
      ordered.find((route) => route.method === method && pathToRegexp(route.path).regexp.test(given));
    fc.assert(
      fc.property(fc.constantFrom('GET', 'POST', 'PUT'), path, (method, given) => {
        const normal = normalise(given);
        const obliging = plain(method, normal);
        const expected = obliging?.kind === 'write' ? obliging : (plain(method, given) ?? obliging);
        expect(match(method, given)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('any target at all is matched without an error', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (method, target) => void match(method, target)));
    fc.assert(
      fc.property(fc.string(), (target) => {
        expect(pathOf(target).startsWith('/')).toBe(true);
      }),
    );
  });
});
