import { type Block, type Frame, isWebPage, type Letter, moment, plain } from './letter.ts';

/** A letter in plain text: everything the HTML part says, links written out. */
export function layoutText({ heading, blocks, action }: Letter, frame: Frame): string {
  const { portal, testMode } = frame;
  const footer = footerOf(frame);
  const paragraphs = [
    testMode ? '[Test mode: this is about test data.]' : null,
    heading,
    ...blocks.map(textOf),
    action ? `${action.label}:\n${action.url}` : null,
    portal ? `Your licenses and keys:\n${portal.url}\n\nThis link is yours alone: whoever has it sees your keys. It works until ${moment(portal.expiresAt)}.` : null,
    footer.length === 0 ? null : `--\n${footer.join('\n')}`,
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== null).join('\n\n')}\n`;
}

function textOf(block: Block): string {
  if ('say' in block) return block.say;
  if ('facts' in block) return block.facts.map(([name, value]) => `  ${name}: ${value}`).join('\n');
  return block.keys.map(({ productName, keys }) => `  ${productName}\n${keys.map((key) => `    ${key}`).join('\n')}`).join('\n\n');
}

function footerOf({ vendor: { name, supportEmail, websiteUrl }, unsubscribeUrl }: Frame): string[] {
  return [
    name === null ? null : plain(name),
    supportEmail === null ? null : `Questions? Write to ${supportEmail}`,
    websiteUrl === null || !isWebPage(websiteUrl) ? null : websiteUrl,
    unsubscribeUrl === null ? null : `This is a reminder. To get no more of them: ${unsubscribeUrl}`,
  ].filter((line) => line !== null);
}
