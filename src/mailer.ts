import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';

/** A mail to send. `id` becomes its Message-ID: a mail sent twice after a crash is recognized as one. */
export type Mail = { id: string; to: string; subject: string; text: string; html: string };

export type MailResult = { sent: true } | { sent: false; error: string };

export type Mailer = {
  /** Where the mails go, for people. */
  destination: string;
  send(mail: Mail): Promise<MailResult>;
  close(): void;
};

type Settings = { smtpUrl: string | undefined; from: string; mailFolder: string };

/** Sends by SMTP where `smtpUrl` is set; else writes each mail to `mailFolder` as `<id>.eml`. */
export function createMailer({ smtpUrl, from, mailFolder }: Settings): Mailer {
  return smtpUrl === undefined ? fileMailer(from, mailFolder) : smtpMailer(from, smtpUrl);
}

function smtpMailer(from: string, smtpUrl: string): Mailer {
  const timeouts = { connectionTimeout: 15_000, greetingTimeout: 15_000, socketTimeout: 30_000 };
  const server = serverOf(smtpUrl);
  const transport = createTransport({ ...server, ...timeouts, pool: true, maxConnections: 2 });
  return {
    destination: `${server.host}:${server.port}`,
    send: (mail) => settle(transport.sendMail(envelopeOf(mail, from))),
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

function envelopeOf({ id, to, ...mail }: Mail, from: string) {
  const domain = /@([^>\s]+)/.exec(from)?.[1] ?? 'localhost';
  // As an object the address is taken as it is and never read as a list.
  return { ...mail, to: { name: '', address: to }, from, messageId: `<${id}@${domain}>` };
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
