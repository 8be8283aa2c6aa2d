import type { Express, Request, RequestHandler } from 'express';
import type { Database } from '../../database/orm.ts';
import type { Scope } from '../../database/scope.ts';
import { AppError, type Result } from '../../errors.ts';
import { type Html, html } from '../../html.ts';
import { readAccount, type Vendor, vendorOf } from '../../licensing/read-account.ts';
import { type CustomerDetails, readCustomer } from '../../licensing/read-customers.ts';
import { unsubscribe } from '../../licensing/unsubscribe.ts';
import type { UnsubscribeLinks } from '../../licensing/unsubscribe-links.ts';
import { pageOf, sendPage, vendorContact } from './layout.ts';

type Dependencies = {
  database: Database; unsubscribeLinks: UnsubscribeLinks; publicUrl: string;
  scopeOf: (scopeId: number) => Promise<Scope>; timeOf: (scope: Scope) => Promise<Date>;
};

type Reader = { scope: Scope; id: string; path: string };

/**
 * Where a reader of reminders stops them, or has them again. Looking changes nothing: programs that guard mailboxes open every link. A POST does,
 * whoever sends it: mail providers send it for their users (RFC 8058), with no cookie and from no page of ours. The link is all it takes.
 */
export function serveUnsubscribing(app: Express, dependencies: Dependencies, count: RequestHandler): void {
  const { database, timeOf } = dependencies;
  const path = '/portal/unsubscribe/:token';
  const set = (wanted: boolean) => answer(dependencies, async ({ scope, id }) => unsubscribe(database, { scope, id }, { wanted }, await timeOf(scope)));
  app.get(path, count, answer(dependencies, ({ scope, id }) => readCustomer(database, scope, id)));
  app.post(path, count, set(false));
  app.post(`${path}/undo`, count, set(true));
}

function answer(dependencies: Dependencies, work: (reader: Reader) => Promise<Result<CustomerDetails>>): RequestHandler {
  return async (request, response) => {
    const reader = await readerOf(request, dependencies);
    const customer = await work(reader);
    if (!customer.ok) throw noSuchLink();
    const vendor = vendorOf(await readAccount(dependencies.database, reader.scope));
    sendPage(response, 200, page({ email: customer.value.email, unsubscribed: customer.value.unsubscribedAt !== null, path: reader.path, vendor }));
  };
}

/** The path is that of the address customers use, which a proxy may have lengthened. */
async function readerOf(request: Request, { unsubscribeLinks, scopeOf, publicUrl }: Dependencies): Promise<Reader> {
  const token = String(request.params['token']);
  const subscriber = unsubscribeLinks.subscriberOf(token);
  if (subscriber === null) throw noSuchLink();
  return { scope: await scopeOf(subscriber.scopeId), id: subscriber.customerId, path: new URL(`${publicUrl}/portal/unsubscribe/${token}`).pathname };
}

function noSuchLink(): AppError {
  return new AppError('FORBIDDEN', 403, 'It was not copied whole, or there is nobody any more whom it is about.');
}

function page({ email, unsubscribed, path, vendor }: { email: string; unsubscribed: boolean; path: string; vendor: Vendor }): string {
  const title = unsubscribed ? 'You get no more reminders' : 'Stop reminders?';
  const whose = vendor.name === null ? null : html` from <bdi>${vendor.name}</bdi>`;
  const says = unsubscribed
    ? html`<bdi>${email}</bdi> gets no reminders${whose} any more. Mails about keys, payments and access still arrive.`
    : html`<bdi>${email}</bdi> gets reminders${whose} before a trial or a license ends. Mails about keys, payments and access arrive either way.`;
  return pageOf(title, html`<main>
<h1>${title}</h1>
<p>${says}</p>
${unsubscribed ? button(`${path}/undo`, 'Get reminders again') : button(path, 'Stop reminders')}
</main>
<footer>
${vendorContact(vendor)}</footer>`);
}

function button(action: string, label: string): Html {
  return html`<form method="post" action="${action}"><p><button>${label}</button></p></form>`;
}
