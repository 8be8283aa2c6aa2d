import { createHash } from 'node:crypto';
import type { Response } from 'express';
import type { Vendor } from '../../licensing/read-account.ts';
import { type Html, html } from '../../html.ts';

const style = `
:root { color-scheme: light dark; --paper: #f5f5f2; --card: #fff; --ink: #1d1d1b; --faint: #62625c; --line: #dedcd5; --good: #1c6b3c; --good-paper: #e2f2e7; --bad: #9a2620; --bad-paper: #fbe8e6; --warn: #7a4b00; --warn-paper: #fdf0d5 }
@media (prefers-color-scheme: dark) { :root { --paper: #161618; --card: #202023; --ink: #ececea; --faint: #a3a3a0; --line: #38383c; --good: #8fd6a8; --good-paper: #1b3324; --bad: #f2a29b; --bad-paper: #3d1f1d; --warn: #f0c878; --warn-paper: #3a2d12 } }
* { box-sizing: border-box }
body { margin: 0; padding: 2rem 1rem 3rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
body > * { max-width: 44rem; margin-left: auto; margin-right: auto }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25 }
h2 { margin: 0; font-size: 1.15rem; line-height: 1.35 }
h3 { margin: 1.25rem 0 0; font-size: .95rem }
p { margin: .25rem 0 }
header { margin-bottom: 1.5rem }
footer, .faint, dt { color: var(--faint); font-size: .9rem }
footer { margin-top: 2rem }
article { margin-top: 1rem; padding: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
.vendor { margin: 0 0 .5rem; font-weight: 600 }
.top { display: flex; gap: .75rem; justify-content: space-between; align-items: flex-start }
.status { flex: none; padding: .1rem .65rem; border-radius: 1rem; font-size: .85rem; font-weight: 600 }
.good { background: var(--good-paper); color: var(--good) }
.warn { background: var(--warn-paper); color: var(--warn) }
.bad { background: var(--bad-paper); color: var(--bad) }
.notice { margin: 0 auto 1.5rem; padding: .75rem 1rem; border-radius: .5rem }
.key { display: block; margin: 1rem 0; padding: .65rem .8rem; border: 1px dashed var(--line); border-radius: .5rem; font: 1.05rem/1.4 ui-monospace, monospace; user-select: all }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; align-items: baseline; margin: 0 }
dd { margin: 0 }
ul { margin: .25rem 0 0; padding: 0; list-style: none }
li { display: flex; gap: 1rem; justify-content: space-between; align-items: center; padding: .6rem 0; border-top: 1px solid var(--line) }
li:first-child { border-top: 0 }
li form { flex: none }
button { min-height: 2.5rem; padding: .4rem .9rem; border: 1px solid var(--line); border-radius: .5rem; background: transparent; color: inherit; font: inherit; font-size: .9rem; cursor: pointer }
button:hover, button:focus-visible { border-color: var(--bad); color: var(--bad) }
a { color: inherit }
`;

/**
 * What a browser may do with a page: show it, and send its own forms back. No script runs, nothing is loaded, nobody frames it; its
 * address, which is the key to it, goes to nobody and into no cache.
 */
export const pageHeaders = {
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Robots-Tag': 'noindex',
};

const styleElement: Html = { markup: `<style>${style}</style>` };

/** A whole page. */
export function pageOf(title: string, body: Html): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${styleElement}
</head>
<body>
${body}
</body>
</html>
`;
  return page.markup;
}

/** How to reach the vendor, as far as it told. */
export function vendorContact({ supportEmail, websiteUrl }: Vendor): Html | null {
  if (supportEmail === null && websiteUrl === null) return null;
  return html`<p>${supportEmail === null ? null : html`Questions? Write to <a href="mailto:${supportEmail}">${supportEmail}</a> `}${websiteUrl === null ? null : html`<a href="${websiteUrl}" rel="noreferrer">${websiteUrl}</a>`}</p>
`;
}

/** A page that says one thing, and where to go on if there is somewhere. */
export function messagePage({ title, message, back = null }: { title: string; message: string; back?: string | null }): string {
  return pageOf(title, html`<main>
<h1>${title}</h1>
<p>${message}</p>
${back === null ? null : html`<p><a href="${back}">Back to your licenses</a></p>`}
</main>`);
}

export function sendPage(response: Response, status: number, page: string): void {
  response.status(status).setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
}
