import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';

/**
 * A mail to send. `id` becomes its Message-ID: a mail sent twice after a crash is recognized as one. `fromName` and `replyTo` are the vendor's, where
 * known. Where `unsubscribeUrl` is, mail programs offer to unsubscribe by a POST to it (RFC 8058).
 */
export type Mail = {
  id: string; to: string; subject: string; text: string; html: string;
  fromName: string | null; replyTo: string | null; unsubscribeUrl: string | null;
};

export type MailResult = { sent: true } | { sent: false; error: string };

export type Mailer = {
  /** Where the mails go, for people. */
  destination: string;
  send(mail: Mail): Promise<MailResult>;
  close(): void;
};

/** How long a mail server may be silent at each step, and how long one mail may take in all. */
type MailPatience = { connectionTimeout: number; greetingTimeout: number; socketTimeout: number; inAllMs: number };

const usual: MailPatience = { connectionTimeout: 15_000, greetingTimeout: 15_000, socketTimeout: 30_000, inAllMs: 45_000 };

type Settings = { smtpUrl: string | undefined; from: string; mailFolder: string; patience?: MailPatience };

/** Sends by SMTP where `smtpUrl` is set; else writes each mail to `mailFolder` as `<id>.eml`. */
export function createMailer({ smtpUrl, from, mailFolder, patience = usual }: Settings): Mailer {
  return smtpUrl === undefined ? fileMailer(from, mailFolder) : smtpMailer(from, smtpUrl, patience);
}

function smtpMailer(from: string, smtpUrl: string, { inAllMs, ...timeouts }: MailPatience): Mailer {
  const server = serverOf(smtpUrl);
  // As many connections as mails are sent at once: one that hangs holds up no other. The outbox tries again, so the pool does only where the
  // server had closed an idle connection.
  const transport = createTransport({ ...server, ...timeouts, pool: true, maxConnections: 4, maxRequeues: 1 });
  return {
    destination: `${server.host}:${server.port}`,
    send: async (mail) => {
      const signal = AbortSignal.timeout(inAllMs);
      const result = await settle(transport.sendMail({ ...envelopeOf(mail, from), signal }));
      return result.sent || !signal.aborted ? result : { sent: false, error: `The mail server did not take the mail in ${inAllMs} ms.` };
    },
    close: () => transport.close(),
  };
}

function fileMailer(from: string, mailFolder: string): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  const write = async (mail: Mail) => {
    const { message } = await transport.sendMail(envelopeOf(mail, from));
    const path = join(mailFolder, `${mail.id}.eml`);
    await mkdir(mailFolder, { recursive: true, mode: 0o700 });
    await writeFile(`${path}.part`, message, { mode: 0o600 });
    await rename(`${path}.part`, path);
  };
  return { destination: mailFolder, send: (mail) => settle(write(mail)), close: () => transport.close() };
}

function envelopeOf({ id, to, fromName, replyTo, unsubscribeUrl, ...mail }: Mail, from: string) {
  const { name, address } = senderOf(from);
  // As an object an address is taken as it is and never read as a list.
  return {
    ...mail,
    from: { name: fromName ?? name, address },
    to: { name: '', address: to },
    ...(replyTo !== null && { replyTo: { name: '', address: replyTo } }),
    messageId: `<${id}@${address.split('@')[1] ?? 'localhost'}>`,
    headers: {
      'Auto-Submitted': 'auto-generated',
      ...(unsubscribeUrl !== null && { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
    },
  };
}

/** `Name <address>`, or an address alone. */
function senderOf(from: string): { name: string; address: string } {
  const [, name = '', address = from] = /^(.*)<([^>]*)>$/.exec(from.trim()) ?? [];
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address };
}

function serverOf(smtpUrl: string) {
  const { hostname, port, protocol, username, password } = new URL(smtpUrl);
  const secure = protocol === 'smtps:';
  const auth = username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } };
  return { host: hostname, port: Number(port || (secure ? 465 : 587)), secure, ...auth };
}

/** A mail that cannot be sent is an answer, not an accident: it is recorded with its message and tried again. */
async function settle(sending: Promise<unknown>): Promise<MailResult> {
  return sending.then(
    () => ({ sent: true }),
    (error: unknown) => ({ sent: false, error: error instanceof Error ? error.message : String(error) }),
  );
}
