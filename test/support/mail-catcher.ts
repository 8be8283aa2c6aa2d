import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** Where a catcher falls silent: before a mail is sent, or with the whole mail received and not yet acknowledged. */
type Silence = 'never' | 'before' | 'after';

export type MailCatcher = {
  url: string;
  mails: Email[];
  /** The next mail, or, of a silent catcher, the moment it falls silent. */
  reached: Promise<void>;
  close(): Promise<void>;
};

/** A real SMTP server on loopback that keeps what it is sent. */
export async function catchMail({ silent = 'never' }: { silent?: Silence } = {}): Promise<MailCatcher> {
  const mails: Email[] = [];
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onConnect: (_session, proceed) => {
      if (silent === 'before') resolve();
      else proceed();
    },
    onData: (stream, _session, acknowledge) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        void PostalMime.parse(Buffer.concat(chunks)).then((mail) => {
          mails.push(mail);
          resolve();
          if (silent !== 'after') acknowledge();
        });
      });
    },
  });
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return { url: `smtp://127.0.0.1:${port}`, mails, reached, close: () => new Promise((done) => server.close(() => done())) };
}
