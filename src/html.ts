/** A piece of a page that was escaped. Only `html` makes one, so that no text gets in unescaped by being forgotten. */
export type Html = { readonly markup: string };

type Part = string | number | Html | Html[] | null;

/** Markup with values in it: text is escaped, pieces stay, null is nothing. Every attribute is to stand in double quotes. */
export function html(markup: TemplateStringsArray, ...parts: Part[]): Html {
  return { markup: String.raw({ raw: markup }, ...parts.map(markupOf)) };
}

function markupOf(part: Part): string {
  if (part === null) return '';
  if (Array.isArray(part)) return part.map(({ markup }) => markup).join('');
  return typeof part === 'object' ? part.markup : escape(String(part));
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');
}
