import { type Html, html } from './html.ts';

/** A whole page of the shop around its content. */
export function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Fig &amp; Sons</title>
<link rel="stylesheet" href="/shop.css">
</head>
<body>
<header><a class="brand" href="/">Fig &amp; Sons</a><nav><a href="/">Products</a> <a href="/account">Account</a></nav></header>
<main>
<h1>${title}</h1>
${content}
</main>
<footer>Household goods since 1996. Prices in EUR, VAT included.</footer>
</body>
</html>
`.toString();
}

export const STYLESHEET = `
:root { color-scheme: light; --ink: #23201c; --paper: #faf7f2; --fig: #6d2f58; --line: #e2dacd; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 Georgia, 'Times New Roman', serif; color: var(--ink); background: var(--paper); }
header, footer, main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { display: flex; justify-content: space-between; align-items: baseline; border-bottom: 1px solid var(--line); }
a { color: var(--fig); }
.brand { font-size: 1.4rem; text-decoration: none; font-weight: bold; }
.goods { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; padding: 0; list-style: none; }
.goods li { background: #fff; border: 1px solid var(--line); border-radius: .4rem; padding: 1rem; }
.price { font-weight: bold; }
table { border-collapse: collapse; width: 100%; background: #fff; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
td.money, th.money { text-align: right; font-variant-numeric: tabular-nums; }
.status { text-transform: capitalize; }
form { display: grid; gap: .6rem; max-width: 20rem; }
input, button { font: inherit; padding: .4rem .6rem; }
button { background: var(--fig); color: #fff; border: 0; border-radius: .3rem; }
footer { color: #7a7167; border-top: 1px solid var(--line); }
`;
