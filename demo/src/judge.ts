import type { Journal, Placed } from './journal.ts';

/** An order as a database has it, in the shop's words. */
export interface OrderRow {
  id: number;
  userId: number;
  status: string;
  total: string;
  /** In order: `productId x quantity @ unitPrice`. */
  items: string[];
}

/** A stored idempotency key. */
export interface KeyRow {
  userId: number;
  key: string;
  orderId: number;
}

/** What a database says against the journal; each entry is a sentence. */
export interface Verdict {
  lost: string[];
  duplicated: string[];
}

/**
 * Holds the journal against the orders that one database has of the shoppers: each acknowledged order is there once,
 * as acknowledged, with its later changes, and nothing is there that nobody may have placed. Pure.
 */
export function judge(journal: Journal, orders: readonly OrderRow[], keys: readonly KeyRow[]): Verdict {
  const byId = new Map(orders.map((row) => [row.id, row]));
  const lost: string[] = [];
  for (const placed of journal.placed.values()) lost.push(...faults(placed, byId.get(placed.order.id)));
  const stored = new Map(keys.map((row) => [`${row.userId} ${row.key}`, row.orderId]));
  for (const { userId, key, order } of journal.placed.values()) {
    if (key === undefined) continue;
    const id = stored.get(`${userId} ${key}`);
    if (id !== order.id) lost.push(`order ${order.id}: its idempotency key leads to ${id ?? 'nothing'}`);
  }
  return {
    lost,
    duplicated: [
      ...surplus(journal, orders),
      ...journal.twins.map(({ key, ids }) => `key ${key} was answered with orders ${ids.join(' and ')}`),
    ],
  };
}

function faults(placed: Placed, row: OrderRow | undefined): string[] {
  const { order } = placed;
  if (row === undefined) return [`order ${order.id}: acknowledged, and not there`];
  const wanted = order.items.map((item) => `${item.productId} x ${item.quantity} @ ${item.unitPrice}`);
  const found: string[] = [];
  if (row.userId !== placed.userId)
    found.push(`order ${order.id}: of user ${row.userId}, placed by ${placed.userId}`);
  if (row.total !== order.total)
    found.push(`order ${order.id}: total ${row.total}, acknowledged ${order.total}`);
  if (row.items.join() !== wanted.join())
    found.push(`order ${order.id}: items ${row.items}, acknowledged ${wanted}`);
  if (!possibleStates(placed).has(row.status))
    found.push(`order ${order.id}: ${row.status}, acknowledged ${[...possibleStates(placed)]}`);
  return found;
}

/** A cancelled order stays cancelled; a paid one may have been cancelled later. Unknown writes leave both open. */
function possibleStates(placed: Placed): Set<string> {
  if (placed.cancelled === 'acknowledged') return new Set(['cancelled']);
  const states = new Set(placed.paid === 'acknowledged' ? ['paid'] : ['placed']);
  if (placed.paid === 'unknown') states.add('paid');
  if (placed.cancelled === 'unknown') states.add('cancelled');
  return states;
}

/** Orders that no shopper knows of, beyond those whose fate is unknown. */
function surplus(journal: Journal, orders: readonly OrderRow[]): string[] {
  const unexplained = new Map<number, number[]>();
  for (const row of orders) {
    if (!journal.placed.has(row.id))
      unexplained.set(row.userId, [...(unexplained.get(row.userId) ?? []), row.id]);
  }
  return [...unexplained]
    .filter(([userId, ids]) => ids.length > (journal.unknownOrders.get(userId) ?? 0))
    .map(
      ([userId, ids]) =>
        `user ${userId} has the orders ${ids}, of which the user knows ${journal.unknownOrders.get(userId) ?? 0}`,
    );
}

/** What the shop holds, to be compared over time. */
export interface Holdings {
  /** Products whose available, reserved and sold pieces don't make up what was seeded. */
  unbalanced: string[];
  /** Pieces sold or reserved, by product. */
  taken: Map<number, number>;
  /** Charged minus refunded, in cents, by order. */
  money: Map<number, number>;
}

/**
 * Stock and money are conserved: what the shop took out of stock and kept of the charges since `before` is what the
 * orders since then say, order by order. Pure.
 */
export function conservation(before: Holdings, after: Holdings, orders: readonly OrderRow[]): string[] {
  const standing = orders.filter((row) => row.status !== 'cancelled');
  const found = after.unbalanced.map((fact) => `stock: ${fact}`);
  const wanted = new Map<number, number>();
  for (const item of standing.flatMap((row) => row.items)) {
    const [product, quantity] = item.split(/ x | @ /, 2).map(Number);
    if (product !== undefined && quantity !== undefined)
      wanted.set(product, (wanted.get(product) ?? 0) + quantity);
  }
  for (const product of new Set([...after.taken.keys(), ...wanted.keys()])) {
    const taken = (after.taken.get(product) ?? 0) - (before.taken.get(product) ?? 0);
    const ordered = wanted.get(product) ?? 0;
    if (taken !== ordered) found.push(`stock: product ${product} is ${taken} down, orders took ${ordered}`);
  }
  const due = new Map(standing.map((row) => [row.id, Math.round(Number(row.total) * 100)]));
  for (const order of new Set([...due.keys(), ...after.money.keys()])) {
    const kept = after.money.get(order) ?? 0;
    const owed = due.get(order) ?? before.money.get(order) ?? 0;
    if (kept !== owed) found.push(`money: order ${order} brought ${kept} cents, its total is ${owed}`);
  }
  return found;
}
