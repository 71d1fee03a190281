import { StranglerError } from '@strangler/errors';
import { expect, test } from 'vitest';
import { type CompareReads, compareReads } from './reads.ts';

type Reply = { status?: number; headers?: Record<string, string>; body: unknown };

/** Two sides as functions of how often they were asked; no network. */
function sides(
  left: (asked: number, path: string) => Reply | Error,
  right: (asked: number, path: string) => Reply | Error,
  options: Partial<CompareReads> = {},
): CompareReads {
  const asked = { left: 0, right: 0 };
  return {
    requests: ['GET /api/orders'],
    clients: [{ authorization: 'Bearer a' }],
    left: 'http://left.test',
    right: 'http://right.test',
    caughtUp: async () => true,
    fetch: async (input) => {
      const url = new URL(String(input));
      const side = url.host === 'left.test' ? 'left' : 'right';
      const reply = (side === 'left' ? left : right)(asked[side]++, url.pathname);
      if (reply instanceof Error) throw reply;
      return Response.json(reply.body, { status: reply.status ?? 200, headers: reply.headers ?? {} });
    },
    ...options,
  };
}

test('alike is equal; alike refusals are counted apart', async () => {
  const body = { orders: [{ id: 1 }] };
  const [equal] = await compareReads(
    sides(
      () => ({ body }),
      () => ({ body }),
    ),
  );
  expect(equal).toEqual({
    route: 'GET /api/orders',
    requests: 1,
    equal: 1,
    refused: 0,
    different: [],
    indeterminate: [],
  });
  const refuse = () => ({ status: 401, body: { error: 'unauthenticated' } });
  expect((await compareReads(sides(refuse, refuse)))[0]).toMatchObject({ equal: 1, refused: 1 });
});

test('trap 55: a side that is behind is asked again after it caught up, and is not different', async () => {
  let applied = false;
  const [verdict] = await compareReads(
    sides(
      () => ({ body: { orders: [2, 1] } }),
      () => ({ body: { orders: applied ? [2, 1] : [1] } }),
      {
        caughtUp: async () => {
          applied = true;
          return true;
        },
      },
    ),
  );
  expect(verdict).toMatchObject({ equal: 1, different: [], indeterminate: [] });
});

test('what stays different is named: request, path and both values', async () => {
  const [verdict] = await compareReads(
    sides(
      () => ({ body: { orders: [{ total: '2.50' }] } }),
      () => ({ body: { orders: [{ total: '2.05' }] } }),
    ),
  );
  expect(verdict).toMatchObject({
    equal: 0,
    different: [
      { request: 'GET /api/orders', client: 0, path: '$.orders[0].total', left: '"2.50"', right: '"2.05"' },
    ],
  });
});

test('status and headers that matter are compared', async () => {
  const body = {};
  const [verdict] = await compareReads(
    sides(
      () => ({ body, headers: { 'cache-control': 'no-store', 'x-noise': '1' } }),
      () => ({ body, status: 404 }),
    ),
  );
  expect(verdict?.different.map((found) => found.path)).toEqual(['status', 'header cache-control']);
});

test('a difference that is declared to mean nothing is none', async () => {
  const options = sides(
    (asked) => ({ body: { orders: [{ id: 1, seen: asked }] } }),
    (asked) => ({ body: { orders: [{ id: 1, seen: -asked - 1 }] } }),
    { ignore: ['$.orders[*].seen'] },
  );
  expect((await compareReads(options))[0]).toMatchObject({ equal: 1 });
});

test('what keeps changing, a side that never catches up, and one without an answer are indeterminate', async () => {
  const moving = sides(
    (asked) => ({ body: { n: asked } }),
    () => ({ body: { n: -1 } }),
  );
  const behind = sides(
    () => ({ body: 1 }),
    () => ({ body: 0 }),
    { caughtUp: async () => false },
  );
  const down = sides(
    () => ({ body: 1 }),
    () => new TypeError('fetch failed', { cause: new Error('refused') }),
  );
  for (const [options, reason] of [
    [moving, /kept changing/],
    [behind, /did not catch up/],
    [down, /fetch failed: refused/],
  ] as const) {
    const [verdict] = await compareReads(options);
    expect(verdict).toMatchObject({ equal: 0, different: [] });
    expect(verdict?.indeterminate[0]?.reason).toMatch(reason);
  }
});

test('an answer written between two looks at the control is equal', async () => {
  const options = sides(
    (asked) => ({ body: { n: asked < 2 ? 0 : 1 } }),
    () => ({ body: { n: 1 } }),
  );
  expect((await compareReads(options))[0]).toMatchObject({ equal: 1 });
});

test('every client asks every request', async () => {
  const body = {};
  const verdicts = await compareReads(
    sides(
      () => ({ body }),
      () => ({ body }),
      {
        requests: ['GET /a', 'GET /b?x=1'],
        clients: [{ authorization: 'a' }, { authorization: 'b' }, {}],
      },
    ),
  );
  expect(verdicts.map(({ route, requests, equal }) => ({ route, requests, equal }))).toEqual([
    { route: 'GET /a', requests: 3, equal: 3 },
    { route: 'GET /b?x=1', requests: 3, equal: 3 },
  ]);
});

test('a write is refused before anything is sent, and an abort ends it', async () => {
  const never = () => new Error('asked');
  const write = sides(never, never, { requests: ['GET /a', 'POST /api/orders'] });
  await expect(compareReads(write)).rejects.toThrow(StranglerError);
  const aborted = sides(never, never, { signal: AbortSignal.abort(new Error('enough')) });
  await expect(compareReads(aborted)).rejects.toThrow('enough');
});
