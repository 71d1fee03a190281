import type { Fate, Journal, Placed } from '../journal.ts';
import type { Dice } from './dice.ts';
import type { Answer, ShopClient } from './shop-client.ts';
import { parseOrder, parseOrders, parseSession, parseUser, type Shopper } from './shopper.ts';
import type { Traffic } from './traffic.ts';

/** What a visit may use. */
export interface Shop {
  client: ShopClient;
  journal: Journal;
  traffic: Traffic;
  dice: Dice;
}

const accepted = '4242424242424242';
const declined = '4000000000000002';
/** The seeded users' password. */
export const password = 'correct horse';
/** More than there is of any product. */
const tooMany = 999_999;

function wish(dice: Dice): { items: { productId: number; quantity: number }[]; payment: { card: string } } {
  const count = dice.between(1, 3);
  const first = dice.between(1, 1_000);
  const items = Array.from({ length: count }, (_, index) => ({
    productId: ((first + index * 331) % 1_000) + 1,
    quantity: dice.between(1, 2),
  }));
  return { items, payment: { card: accepted } };
}

function post(shop: Shop, shopper: Shopper, body: unknown, key: string | undefined): Promise<Answer> {
  const { token, cookies } = shopper;
  return shop.client.send(
    { route: 'create', method: 'POST', path: '/api/orders', token, cookies, key, body },
    [201],
  );
}

/** Notes an answer to an order: acknowledged, or of an unknown fate. */
function note(shop: Shop, shopper: Shopper, answer: Answer, key: string | undefined): Placed | undefined {
  if (answer.status !== 201) {
    shop.journal.miss(shopper.userId, 'unknown');
    return undefined;
  }
  const placed: Placed = {
    userId: shopper.userId,
    key,
    order: parseOrder(answer.text),
    acknowledgedAt: answer.endedAt,
    cancelled: undefined,
    paid: undefined,
  };
  shop.journal.acknowledge(placed);
  shopper.placed.push(placed);
  return placed;
}

let keys = 0;
function newKey(): string {
  keys += 1;
  return `demo-${process.pid}-${keys}`;
}

/** Orders. */
export async function order(shop: Shop, shopper: Shopper): Promise<Placed | undefined> {
  const key = shop.dice.next() < 0.5 ? newKey() : undefined;
  return note(shop, shopper, await post(shop, shopper, wish(shop.dice), key), key);
}

/** Orders, and looks at the order at once: it has to be there, as it was answered. */
export async function orderAndReadBack(shop: Shop, shopper: Shopper): Promise<void> {
  const placed = await order(shop, shopper);
  if (placed) await readBack(shop, shopper, placed);
}

async function readBack(shop: Shop, shopper: Shopper, placed: Placed): Promise<void> {
  const { id } = placed.order;
  const { token, cookies } = shopper;
  const answer = await shop.client.send(
    { route: 'get', method: 'GET', path: `/api/orders/${id}`, token, cookies },
    [200, 404],
  );
  if (answer.status === 404)
    shop.traffic.stale.push(`order ${id}: not found right after it was acknowledged`);
  if (answer.status !== 200) return;
  const found = parseOrder(answer.text);
  if (placed.cancelled === 'acknowledged' && found.status !== 'cancelled') {
    shop.traffic.stale.push(`order ${id}: ${found.status} right after its cancellation was acknowledged`);
  }
  if (
    placed.cancelled === undefined &&
    placed.paid === undefined &&
    JSON.stringify(found) !== JSON.stringify(placed.order)
  ) {
    shop.traffic.stale.push(
      `order ${id}: read ${JSON.stringify(found)}, acknowledged ${JSON.stringify(placed.order)}`,
    );
  }
}

/** Sends one order twice under one key, at the same time or one after the other: one order, one answer. */
export async function orderTwice(shop: Shop, shopper: Shopper): Promise<void> {
  const key = newKey();
  const body = wish(shop.dice);
  const together = shop.dice.next() < 0.5;
  const first = post(shop, shopper, body, key);
  if (!together) await first;
  const second = post(shop, shopper, body, key);
  const answers = [await first, await second];
  // Both concern one order: its fate is unknown only if neither answer tells.
  const told = answers.find((answer) => answer.status === 201) ?? answers[0];
  const other = answers.find((answer) => answer !== told);
  if (told === undefined || other === undefined) return;
  const placed = note(shop, shopper, told, key);
  if (placed && other.status === 201) shop.journal.repeat(placed, parseOrder(other.text).id);
}

/** Orders with a card that is declined, or more than there is. */
export async function orderInVain(shop: Shop, shopper: Shopper): Promise<void> {
  const body = wish(shop.dice);
  const [line] = body.items;
  const status = shop.dice.next() < 0.5 ? 402 : 409;
  if (status === 402) body.payment.card = declined;
  else if (line) line.quantity = tooMany;
  const { token, cookies } = shopper;
  const answer = await shop.client.send(
    { route: 'create', method: 'POST', path: '/api/orders', token, cookies, body },
    [status],
  );
  if (answer.status === status) {
    shop.traffic.refused += 1;
    shop.journal.miss(shopper.userId, 'refused');
  } else note(shop, shopper, answer, undefined);
}

/** Looks at the latest orders: what was acknowledged before has to be among them. */
export async function list(shop: Shop, shopper: Shopper): Promise<void> {
  const { token, cookies } = shopper;
  const answer = await shop.client.send(
    { route: 'list', method: 'GET', path: '/api/orders?limit=20', token, cookies },
    [200],
  );
  if (answer.status !== 200) return;
  const states = new Map(parseOrders(answer.text).map((found) => [found.id, found.status]));
  for (const { order, cancelled } of shopper.placed.slice(-10)) {
    const status = states.get(order.id);
    if (status === undefined) shop.traffic.stale.push(`order ${order.id}: missing in the list`);
    else if (cancelled === 'acknowledged' && status !== 'cancelled')
      shop.traffic.stale.push(`order ${order.id}: ${status} in the list, cancelled`);
  }
}

/** Looks at the account page, which stays in the monolith and shows the latest orders. */
export async function account(shop: Shop, shopper: Shopper): Promise<void> {
  const { token, cookies } = shopper;
  const answer = await shop.client.send(
    { route: 'account', method: 'GET', path: '/account', token, cookies },
    [200],
  );
  const latest = shopper.placed.at(-1);
  if (answer.status === 200 && latest && !new RegExp(`\\b${latest.order.id}\\b`).test(answer.text)) {
    shop.traffic.stale.push(`order ${latest.order.id}: missing on the account page`);
  }
}

/** Asks for the invoice of its latest order, which the monolith writes. */
export async function invoice(shop: Shop, shopper: Shopper): Promise<void> {
  const placed = shopper.placed.findLast((each) => each.cancelled === undefined);
  if (placed === undefined) return account(shop, shopper);
  const { id } = placed.order;
  const { token, cookies } = shopper;
  const answer = await shop.client.send(
    { route: 'invoice', method: 'GET', path: `/api/orders/${id}/invoice`, token, cookies },
    [200, 404],
  );
  if (answer.status === 404) shop.traffic.stale.push(`order ${id}: no invoice, as if it weren't there`);
}

/** Cancels an order, and looks at it at once. */
export async function cancel(shop: Shop, shopper: Shopper): Promise<void> {
  const placed = shopper.placed.findLast((each) => each.cancelled === undefined);
  if (placed === undefined) return orderAndReadBack(shop, shopper);
  const { token, cookies } = shopper;
  const path = `/api/orders/${placed.order.id}/cancel`;
  // From the moment it is sent, nobody knows the state but who gets the answer.
  placed.cancelled = 'unknown';
  const answer = await shop.client.send({ route: 'cancel', method: 'POST', path, token, cookies }, [200]);
  const fate: Fate = answer.status === 200 ? 'acknowledged' : 'unknown';
  shop.journal.change(placed, 'cancel', fate);
  if (fate === 'acknowledged') await readBack(shop, shopper, placed);
}

/** The payment provider reports that it settled an order. */
export async function settle(shop: Shop, shopper: Shopper): Promise<void> {
  const placed = shopper.placed.findLast((each) => each.cancelled === undefined && each.paid === undefined);
  if (placed === undefined) return orderAndReadBack(shop, shopper);
  placed.paid = 'unknown';
  const body = { orderId: placed.order.id, event: 'settled' };
  const answer = await shop.client.send(
    { route: 'callback', method: 'POST', path: '/api/payments/callback', token: shopper.token, body },
    [200],
  );
  shop.journal.change(placed, 'callback', answer.status === 200 ? 'acknowledged' : 'unknown');
}

export async function browse(shop: Shop, shopper: Shopper): Promise<void> {
  await shop.client.send(
    { route: 'products', method: 'GET', path: '/api/products?limit=20', token: shopper.token },
    [200],
  );
}

export async function quote(shop: Shop, shopper: Shopper): Promise<void> {
  const country = ['DE', 'FR', 'US', 'JP'][shop.dice.between(0, 3)];
  const path = `/api/shipping/quote?weight=${shop.dice.between(1, 80) / 4}&country=${country}`;
  await shop.client.send({ route: 'quote', method: 'GET', path, token: shopper.token }, [200]);
}

export async function report(shop: Shop, shopper: Shopper): Promise<void> {
  await shop.client.send(
    { route: 'sales', method: 'GET', path: '/api/reports/sales', token: shopper.token },
    [200],
  );
}

/** Logs in again. */
export async function login(shop: Shop, shopper: Shopper): Promise<void> {
  const session = await openSession(shop, shopper.email, shopper.cookies);
  if (session) shopper.token = session.token;
}

export async function openSession(
  shop: Shop,
  email: string,
  cookies: Map<string, string> | undefined,
): Promise<{ token: string; userId: number } | undefined> {
  const body = { email, password };
  const answer = await shop.client.send(
    { route: 'session', method: 'POST', path: '/api/sessions', cookies, body },
    [201],
  );
  return answer.status === 201 ? parseSession(answer.text) : undefined;
}

/** A new shopper comes in: registers and logs in. */
export async function register(shop: Shop, email: string): Promise<Shopper | undefined> {
  const body = { email, password, name: 'A New Shopper' };
  const answer = await shop.client.send(
    { route: 'register', method: 'POST', path: '/api/users', body },
    [201],
  );
  if (answer.status !== 201) return undefined;
  const { id } = parseUser(answer.text);
  const cookies = id % 2 === 0 ? new Map<string, string>() : undefined;
  const session = await openSession(shop, email, cookies);
  return session ? { email, ...session, cookies, placed: [] } : undefined;
}
