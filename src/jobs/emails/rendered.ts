/** A mail without its envelope. Renderers are pure: data in, this out. */
export type Rendered = { subject: string; text: string; html: string };

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
