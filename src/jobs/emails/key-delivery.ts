import { escapeHtml, type Rendered } from './rendered.ts';

/** The mail that brings a customer the keys of one purchase. */
export function renderKeyDelivery(delivered: { productName: string; key: string }[]): Rendered {
  const products = [...new Set(delivered.map(({ productName }) => productName))].join(', ');
  const subject = `Your ${products} license key${delivered.length > 1 ? 's' : ''}`;
  const thanks = `Thank you for buying ${products}.`;
  const lead = delivered.length > 1 ? 'Here are your license keys:' : 'Here is your license key:';
  const keep = 'Keep this mail: the key is asked for when you activate the software.';
  const rows = delivered.map(
    ({ productName, key }) =>
      `<p style="margin:8px 0"><small>${escapeHtml(productName)}</small><br><strong style="font:16px monospace">${escapeHtml(key)}</strong></p>`,
  );
  return {
    subject,
    text: [thanks, '', lead, '', ...delivered.map(({ productName, key }) => `  ${key}  (${productName})`), '', keep, ''].join('\n'),
    html: `<!doctype html><html lang="en"><body style="font:15px sans-serif"><p>${escapeHtml(thanks)}</p><p>${lead}</p>${rows.join('')}<p>${keep}</p></body></html>`,
  };
}
