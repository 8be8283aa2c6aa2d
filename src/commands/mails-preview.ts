import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Html, html } from '../html.ts';
import type { Rendered } from '../jobs/emails/letter.ts';
import { renderMail } from '../jobs/emails/render-mail.ts';
import { samples } from '../jobs/emails/samples.ts';
import type { Command } from './command.ts';

export const mailsPreview: Command<null> = {
  name: 'mails:preview',
  summary: 'write every mail, in all its variants, to a folder, to look at them',
  help: `npm run mails:preview -- [--folder FOLDER]

Writes every mail that customers or the vendor may get, in all its variants, with made-up licenses, as HTML and as text, and an index.html that
lists them. It needs no database and no settings.

  --folder FOLDER   where to; mails-preview where nothing is said. It is made if need be, and files of the same name are replaced
`,
  takes: { values: ['folder'] },
  run: async ({ values, say }) => {
    const folder = resolve(values['folder'] ?? 'mails-preview');
    const mails = samples.map(({ name, content, frame }) => ({ name, ...renderMail(content, frame) }));
    await mkdir(folder, { recursive: true });
    for (const { name, subject, text, html: page } of mails) {
      await writeFile(join(folder, `${name}.html`), page);
      await writeFile(join(folder, `${name}.txt`), `Subject: ${subject}\n\n${text}`);
    }
    await writeFile(join(folder, 'index.html'), indexOf(mails));
    say(`Wrote ${mails.length} mails, each as .html and .txt.\n\nLook at them in ${join(folder, 'index.html')}`);
  },
};

function indexOf(mails: ({ name: string } & Rendered)[]): string {
  const page: Html = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Mails</title></head>
<body style="font-family:sans-serif;margin:2rem;line-height:1.6">
<h1>Mails</h1>
<table>${mails.map(({ name, subject }) => html`
<tr><td style="padding-right:2rem"><a href="${name}.html">${name}</a></td><td style="padding-right:2rem"><a href="${name}.txt">text</a></td><td>${subject}</td></tr>`)}
</table>
</body>
</html>
`;
  return page.markup;
}
