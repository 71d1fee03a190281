import { type Html, html } from '../web/html.ts';
import { page } from '../web/layout.ts';
import type { Order } from './order.ts';

export function orderPage(order: Order): string {
  const lines = order.items.map(
    (line) => html`<tr><td><a href="/products/${line.productId}">No. ${line.productId}</a></td>
<td>${line.quantity}</td><td class="money">${line.unitPrice}</td></tr>
`,
  );
  return page(
    `Order ${order.id}`,
    html`<p>Placed ${order.createdAt.slice(0, 10)}, <span class="status">${order.status}</span></p>
<table><thead><tr><th>Product</th><th>Pieces</th><th class="money">Each</th></tr></thead>
<tbody>${lines}</tbody>
<tfoot><tr><th colspan="2">Total</th><th class="money">${order.total}</th></tr></tfoot></table>`,
  );
}

export function noSuchOrderPage(): string {
  return page('No such order', html`<p>Have a look at <a href="/account">your orders</a>.</p>`);
}

/** A table of orders, newest first as they come. */
export function orderTable(orders: readonly Order[]): Html {
  if (orders.length === 0) return html`<p>No orders yet.</p>`;
  const lines = orders.map(
    (order) => html`<tr data-order="${order.id}"><td><a href="/orders/${order.id}">${order.id}</a></td>
<td>${order.createdAt.slice(0, 10)}</td><td class="status">${order.status}</td><td class="money">${order.total}</td></tr>
`,
  );
  return html`<table class="orders"><thead><tr><th>Order</th><th>Date</th><th>Status</th><th class="money">Total</th></tr></thead>
<tbody>${lines}</tbody></table>`;
}
