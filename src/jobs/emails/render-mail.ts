import type { MailContent } from '../../licensing/read-mail.ts';
import { layoutHtml } from './layout-html.ts';
import { layoutText } from './layout-text.ts';
import type { Frame, Rendered } from './letter.ts';
import { letterOf } from './letters.ts';

/** Any mail: data in, subject, text and HTML out. */
export function renderMail(content: MailContent, frame: Frame): Rendered {
  const letter = letterOf(content);
  return { subject: letter.subject, text: layoutText(letter, frame), html: layoutHtml(letter, frame) };
}
