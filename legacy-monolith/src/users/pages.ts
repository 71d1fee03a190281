import type { Order } from '../orders/order.ts';
import { orderTable } from '../orders/page.ts';
import { Html, html } from '../web/html.ts';
import { page } from '../web/layout.ts';
import type { User } from './user.ts';

export function accountPage(user: User, orders: readonly Order[]): string {
  return page(
    'Your account',
    html`<p>Signed in as <strong>${user.name}</strong> (${user.email})</p><h2>Latest orders</h2>${orderTable(orders)}`,
  );
}

/** Signs in through the API, which sets the session's cookie. */
export function loginPage(): string {
  return page(
    'Sign in',
    html`<form id="login"><label>E-mail <input name="email" type="email" required></label>
<label>Password <input name="password" type="password" required></label>
<button>Sign in</button><p id="fault" role="alert"></p></form>${new Html(LOGIN_SCRIPT)}`,
  );
}

const LOGIN_SCRIPT = `<script>
document.getElementById('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const answer = await fetch('/api/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (answer.ok) location.assign('/account');
  else document.getElementById('fault').textContent = 'E-mail or password is wrong.';
});
</script>`;
