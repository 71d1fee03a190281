import { createRemoteJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { CONSERVED, conservation } from '../../test/conservation.ts';
import { shopDatabase } from '../../test/shop-database.ts';
import { startShopProcess } from '../../test/shop-process.ts';
import { asker, orderAnswer, shopperOf, tokenOf, wish } from '../../test/shopper.ts';

const database = await shopDatabase();
const { url } = await startShopProcess(database);

async function register(email: string, name = 'Eve') {
  const answer = await asker(url)('/api/users', { body: { email, name, password: 'a long secret' } });
  expect(answer.status).toBe(201);
  const user = z.strictObject({ id: z.number(), email: z.string(), name: z.string() }).parse(answer.body);
  const token = await tokenOf(url, email, 'a long secret');
  return { user, token, ask: asker(url, { authorization: `Bearer ${token}` }) };
}

test('registers a user, whose token others can verify by the published keys', async () => {
  const { user, token } = await register('eve@example.test');
  expect(user).toMatchObject({ email: 'eve@example.test', name: 'Eve' });
  const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
  const { payload, protectedHeader } = await jwtVerify(token, keys);
  expect([payload.sub, protectedHeader.alg]).toEqual([String(user.id), 'ES256']);
  expect((await asker(url)('/.well-known/jwks.json')).text).not.toContain('"d":');
});

test('an address is taken once, in whatever case', async () => {
  await register('taken@example.test');
  const body = { email: 'Taken@Example.test', name: 'Mallory', password: 'a long secret' };
  expect(await asker(url)('/api/users', { body })).toMatchObject({
    status: 409,
    body: { error: 'email_taken' },
  });
});

test.each([
  ['email', { email: 'nobody', name: 'N', password: 'a long secret' }],
  ['password', { email: 'n@example.test', name: 'N', password: 'short' }],
  ['name', { email: 'n@example.test', name: ' ', password: 'a long secret' }],
])('refuses a bad %s', async (path, body) => {
  expect(await asker(url)('/api/users', { body })).toMatchObject({
    status: 400,
    body: { issues: [{ path }] },
  });
});

test('a wrong password and an unknown address are told apart by nobody', async () => {
  const attempts = ['user1@example.test', 'nobody@example.test'].map((email) =>
    asker(url)('/api/sessions', { body: { email, password: 'battery staple' } }),
  );
  for (const answer of await Promise.all(attempts)) {
    expect([answer.status, answer.body]).toEqual([401, { error: 'invalid_credentials' }]);
  }
});

test('the session’s cookie opens the account page, and only pages', async () => {
  const login = await asker(url)('/api/sessions', {
    body: { email: 'user1@example.test', password: 'correct horse' },
  });
  const cookie = login.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^session=[^;]+; .*HttpOnly; SameSite=Lax$/);
  const visitor = asker(url, { cookie: cookie.split(';')[0] ?? '' });
  const page = await visitor('/account');
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect((await visitor('/api/orders')).status).toBe(401);
  expect((await asker(url)('/account')).status).toBe(401);
});

test('the account page shows the name and the last ten orders, nothing of it as markup', async () => {
  const { ask } = await register('markup@example.test', '<b>"Bob" & \'sons\'</b>');
  const ids: number[] = [];
  for (let count = 0; count < 12; count += 1) {
    ids.push(orderAnswer.parse((await ask('/api/orders', { body: wish([[1, 1]]) })).body).id);
  }
  const { text } = await ask('/account');
  expect(text).toContain('&lt;b&gt;&quot;Bob&quot; &amp; &#39;sons&#39;&lt;/b&gt;');
  expect(text).not.toContain('<b>');
  const shown = [...text.matchAll(/data-order="(\d+)"/g)].map((match) => Number(match[1]));
  expect(shown).toEqual(ids.reverse().slice(0, 10));
  expect((await ask(`/orders/${ids[0]}`)).text).toContain(`Order ${ids[0]}`);
  expect((await ask('/orders/1')).status).toBe(404);
});

test('trap 41: deleting a user takes their orders along, and the books still balance', async () => {
  const { user, ask } = await register('leaving@example.test');
  const kept = orderAnswer.parse((await ask('/api/orders', { body: wish([[1, 2]]) })).body);
  const cancelled = orderAnswer.parse((await ask('/api/orders', { body: wish([[2, 2]]) })).body);
  await ask(`/api/orders/${cancelled.id}/cancel`, { method: 'POST' });
  await ask('/api/cart/items/3', { method: 'PUT', body: { quantity: 1 } });
  expect((await ask('/api/users/me', { method: 'DELETE' })).status).toBe(204);
  for (const [table, column] of [
    ['users', 'id'],
    ['orders', 'user_id'],
    ['carts', 'user_id'],
  ]) {
    expect(await database.query(`select from shop.${table} where ${column} = $1`, [user.id])).toEqual([]);
  }
  expect(await database.query('select from shop.order_items where order_id = $1', [kept.id])).toEqual([]);
  expect(await conservation(database)).toEqual(CONSERVED);
  expect((await ask('/api/orders', { body: wish([[1, 1]]) })).status).toBe(401);
  expect((await ask('/account')).status).toBe(401);
  expect((await ask('/api/users/me', { method: 'DELETE' })).status).toBe(401);
});

test('a user with invoices stays', async () => {
  const { ask } = await register('invoiced@example.test');
  const order = orderAnswer.parse((await ask('/api/orders', { body: wish([[1, 1]]) })).body);
  await ask(`/api/orders/${order.id}/invoice`);
  expect(await ask('/api/users/me', { method: 'DELETE' })).toMatchObject({
    status: 409,
    body: { error: 'has_invoices' },
  });
  expect((await ask(`/api/orders/${order.id}`)).status).toBe(200);
  expect(await conservation(database)).toEqual(CONSERVED);
});

test('a user’s orders placed while they are deleted are all or none', async () => {
  const { user, ask } = await register('racing@example.test');
  const orders = Array.from({ length: 10 }, () =>
    ask('/api/orders', {
      body: wish([
        [5, 1],
        [4, 1],
      ]),
    }),
  );
  const leaving = ask('/api/users/me', { method: 'DELETE' });
  for (const answer of await Promise.all(orders)) expect([201, 401]).toContain(answer.status);
  expect((await leaving).status).toBe(204);
  expect(await database.query('select from shop.orders where user_id = $1', [user.id])).toEqual([]);
  expect(await conservation(database)).toEqual(CONSERVED);
});

test('a cart is kept', async () => {
  const bob = await shopperOf(url, 2);
  const put = await bob('/api/cart/items/7', { method: 'PUT', body: { quantity: 2 } });
  expect(put.body).toMatchObject({ items: [{ productId: 7, quantity: 2 }] });
  expect((await bob('/api/cart/items/4711', { method: 'PUT', body: { quantity: 2 } })).status).toBe(400);
  expect((await bob('/api/cart/items/7', { method: 'DELETE' })).status).toBe(204);
  expect((await bob('/api/cart')).body).toEqual({ items: [] });
});
