import { html } from '../web/html.ts';
import { page } from '../web/layout.ts';
import type { Product, ProductDetails } from './product.ts';

export function productListPage(products: readonly Product[]): string {
  const goods = products.map(
    (product) => html`<li><a href="/products/${product.id}">${product.name}</a>
<div class="price">€ ${product.price}</div><small>${availability(product)}</small></li>
`,
  );
  return page('Products', html`<ul class="goods">${goods}</ul>`);
}

export function productPage(product: ProductDetails): string {
  return page(
    product.name,
    html`<p>${product.description}</p><p class="price">€ ${product.price}</p><p>${availability(product)}</p>`,
  );
}

function availability(product: Product): string {
  return product.stock > 0 ? `${product.stock} in stock` : 'Sold out';
}
