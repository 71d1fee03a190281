import { expect, test } from 'vitest';
import { Journal, type Placed } from './journal.ts';
import { conservation, type Holdings, judge, type OrderRow } from './judge.ts';

const items = [{ productId: 7, quantity: 2, unitPrice: '29.99' }];

function placed(id: number, more: Partial<Placed> = {}): Placed {
  const order = { id, status: 'placed', total: '59.98', items, createdAt: '2026-01-02T03:04:05.123456Z' };
  return {
    userId: 1,
    key: undefined,
    order,
    acknowledgedAt: id,
    cancelled: undefined,
    paid: undefined,
    ...more,
  };
}

function row(id: number, more: Partial<OrderRow> = {}): OrderRow {
  return { id, userId: 1, status: 'placed', total: '59.98', items: ['7 x 2 @ 29.99'], ...more };
}

function journalOf(...all: Placed[]): Journal {
  const journal = new Journal();
  for (const each of all) journal.acknowledge(each);
  return journal;
}

test('orders that are as they were acknowledged are neither lost nor doubled', () => {
  const journal = journalOf(
    placed(1),
    placed(2, { cancelled: 'acknowledged' }),
    placed(3, { paid: 'acknowledged', key: 'k' }),
  );
  const rows = [row(1), row(2, { status: 'cancelled' }), row(3, { status: 'paid' })];
  expect(judge(journal, rows, [{ userId: 1, key: 'k', orderId: 3 }])).toEqual({ lost: [], duplicated: [] });
});

test.each([
  ['is missing', []],
  ['has another total', [row(1, { total: '59.99' })]],
  ['lacks a line', [row(1, { items: [] })]],
  ['belongs to somebody else', [row(1, { userId: 2 })]],
  ['was cancelled by nobody', [row(1, { status: 'cancelled' })]],
])('an acknowledged order that %s is lost', (_, rows) => {
  expect(judge(journalOf(placed(1)), rows, []).lost).toHaveLength(1);
});

test('an acknowledged change that is not there is lost, one of unknown fate may be there or not', () => {
  expect(judge(journalOf(placed(1, { cancelled: 'acknowledged' })), [row(1)], []).lost).toHaveLength(1);
  expect(judge(journalOf(placed(1, { paid: 'acknowledged' })), [row(1)], []).lost).toHaveLength(1);
  for (const status of ['placed', 'cancelled']) {
    expect(judge(journalOf(placed(1, { cancelled: 'unknown' })), [row(1, { status })], []).lost).toEqual([]);
  }
});

test('an idempotency key that leads elsewhere is lost', () => {
  expect(judge(journalOf(placed(1, { key: 'k' })), [row(1)], []).lost).toEqual([
    'order 1: its idempotency key leads to nothing',
  ]);
});

test('an order that nobody placed is a duplicate, unless a write of unknown fate explains it', () => {
  const journal = journalOf(placed(1));
  expect(judge(journal, [row(1), row(2)], []).duplicated).toHaveLength(1);
  journal.miss(1, 'unknown');
  expect(judge(journal, [row(1), row(2)], []).duplicated).toEqual([]);
  expect(judge(journal, [row(1), row(2), row(3)], []).duplicated).toHaveLength(1);
});

test('two orders under one key are a duplicate', () => {
  const first = placed(1, { key: 'k' });
  const journal = journalOf(first);
  journal.repeat(first, 1);
  expect(judge(journal, [row(1)], [{ userId: 1, key: 'k', orderId: 1 }]).duplicated).toEqual([]);
  journal.repeat(first, 2);
  expect(judge(journal, [row(1)], [{ userId: 1, key: 'k', orderId: 1 }]).duplicated).toHaveLength(1);
});

const before: Holdings = { unbalanced: [], taken: new Map([[7, 10]]), money: new Map([[900, 500]]) };

test('stock and money that the orders account for are conserved', () => {
  const after = {
    unbalanced: [],
    taken: new Map([[7, 12]]),
    money: new Map([
      [900, 500],
      [1, 5998],
      [2, 0],
    ]),
  };
  expect(conservation(before, after, [row(1), row(2, { status: 'cancelled' })])).toEqual([]);
});

test('a cancelled order that kept its stock or its money, and pieces out of nowhere, are seen', () => {
  const after = {
    unbalanced: ['product 8 has 1 piece'],
    taken: new Map([[7, 12]]),
    money: new Map([
      [900, 500],
      [1, 5998],
    ]),
  };
  expect(conservation(before, after, [row(1, { status: 'cancelled' })])).toEqual([
    'stock: product 8 has 1 piece',
    'stock: product 7 is 2 down, orders took 0',
    'money: order 1 brought 5998 cents, its total is 0',
  ]);
});

test('an order without its charge is seen', () => {
  const after = { unbalanced: [], taken: new Map([[7, 12]]), money: new Map([[900, 500]]) };
  expect(conservation(before, after, [row(1)])).toEqual([
    'money: order 1 brought 0 cents, its total is 5998',
  ]);
});
