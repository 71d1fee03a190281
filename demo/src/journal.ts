/** One line of an order, as the shop's JSON has it. */
export interface Item {
  productId: number;
  quantity: number;
  unitPrice: string;
}

/** An order as the shop answers it. */
export interface Order {
  id: number;
  status: string;
  total: string;
  items: Item[];
  createdAt: string;
}

/** What became of a write, as the shopper saw it. `unknown`: no answer, or one that doesn't say. */
export type Fate = 'acknowledged' | 'refused' | 'unknown';

/** What a shopper knows of an order that it placed. */
export interface Placed {
  readonly userId: number;
  readonly key: string | undefined;
  readonly order: Order;
  /** Milliseconds of `performance.now()`. */
  readonly acknowledgedAt: number;
  cancelled: Fate | undefined;
  paid: Fate | undefined;
}

/** One write of a shopper. */
export interface Write {
  readonly kind: 'order' | 'cancel' | 'callback';
  readonly fate: Fate;
}

/** Every write of every shopper, and what was said about it. */
export class Journal {
  readonly writes: Write[] = [];
  /** By the order's id. */
  readonly placed = new Map<number, Placed>();
  /** Orders that may or may not exist, by the user's id. */
  readonly unknownOrders = new Map<number, number>();
  /** Pairs of one idempotency key that were answered with two orders. */
  readonly twins: { key: string; ids: [number, number] }[] = [];

  count(fate: Fate): number {
    return this.writes.filter((write) => write.fate === fate).length;
  }

  acknowledge(placed: Placed): void {
    this.writes.push({ kind: 'order', fate: 'acknowledged' });
    this.placed.set(placed.order.id, placed);
  }

  /** An order that was refused, or whose fate the shopper doesn't know. */
  miss(userId: number, fate: 'refused' | 'unknown'): void {
    this.writes.push({ kind: 'order', fate });
    if (fate === 'unknown') this.unknownOrders.set(userId, (this.unknownOrders.get(userId) ?? 0) + 1);
  }

  /** A second answer under the key of an acknowledged order. */
  repeat(first: Placed, id: number): void {
    this.writes.push({ kind: 'order', fate: 'acknowledged' });
    if (id !== first.order.id) this.twins.push({ key: first.key ?? '', ids: [first.order.id, id] });
  }

  change(placed: Placed, kind: 'cancel' | 'callback', fate: Fate): void {
    this.writes.push({ kind, fate });
    if (kind === 'cancel') placed.cancelled = fate;
    else placed.paid = fate;
  }

  /** Distinct orders acknowledged in a span of `performance.now()`. */
  acknowledgedBetween(from: number, to: number): number {
    let count = 0;
    for (const { acknowledgedAt } of this.placed.values())
      if (acknowledgedAt >= from && acknowledgedAt < to) count += 1;
    return count;
  }
}
