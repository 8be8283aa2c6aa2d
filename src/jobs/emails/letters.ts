import type { MessageKind } from '../../licensing/core/message.ts';
import type { MailContent, MailedLicense } from '../../licensing/read-mail.ts';
import { type Action, type Block, day, isWebPage, type Letter, moment, plain } from './letter.ts';

/** The words of every mail. */

type ContentOf<Kind extends MessageKind> = Extract<MailContent, { kind: Kind }>;

/** The letter of any mail. */
export function letterOf(content: MailContent): Letter {
  switch (content.kind) {
    case 'key_delivery': return keyDelivery(content);
    case 'payment_failed': return paymentFailed(content);
    case 'access_suspended': return accessSuspended(content);
    case 'access_reinstated': return accessReinstated(content);
    case 'trial_ending': return trialEnding(content);
    case 'cancellation_scheduled': return cancellationScheduled(content);
    case 'expiring_soon': return expiringSoon(content);
    case 'expired': return expired(content);
    case 'access_revoked': return accessRevoked(content);
    case 'portal_link': return portalLink();
    case 'endpoint_disabled': return endpointDisabled(content);
  }
}

function keyDelivery({ licenses }: ContentOf<'key_delivery'>): Letter {
  const [words, groups] = [wordsFor(licenses), byProduct(licenses)];
  return {
    subject: `Your ${words.products} license ${words.key}`,
    heading: `Your license ${words.key}`,
    blocks: [
      { say: `Thank you for buying ${words.products}. Here ${words.is} your license ${words.key}:` },
      { keys: [...groups].map(([productName, keys]) => ({ productName, keys })) },
      { say: `Keep this mail: the key is asked for when you activate the software.` },
    ],
    action: null,
  };
}

function paymentFailed({ licenses, data: { accessEndsAt, invoiceUrl } }: ContentOf<'payment_failed'>): Letter {
  const { products } = wordsFor(licenses);
  const toPay = payAt(invoiceUrl);
  return about(licenses, {
    subject: `Your payment for ${products} failed`,
    heading: 'Your payment failed',
    says: `The last payment for ${products} did not go through. Everything keeps working until ${day(accessEndsAt)}; if it is still not paid by then, access ends.`,
    facts: [['Access ends', moment(accessEndsAt)]],
    todo: toPay
      ? 'You can pay the invoice right away, with the same card or another one.'
      : 'Please check that your card is valid and covered, so that the next attempt succeeds.',
    action: toPay,
  });
}

/** Stripe's page for the invoice, where it told one. */
function payAt(invoiceUrl: string | null): Action | null {
  return invoiceUrl !== null && isWebPage(invoiceUrl) ? { label: 'Pay the invoice', url: invoiceUrl } : null;
}

const suspensions: Record<ContentOf<'access_suspended'>['data']['reason'], { why: string; todo: string }> = {
  PAYMENT_FAILED: { why: 'because its payment is still missing', todo: 'Once the payment arrives, access comes back by itself: same key, same machines.' },
  PAUSED: { why: 'because the subscription is paused', todo: 'Once the subscription goes on, access comes back by itself: same key, same machines.' },
  REFUNDED: { why: 'because its payment was refunded', todo: 'If you did not expect this, please reply to this mail.' },
  DISPUTED: { why: 'because its payment is disputed', todo: 'Once the dispute is settled in favor of the payment, access comes back by itself. If you did not expect this, please reply to this mail.' },
};

function accessSuspended({ licenses, data: { reason, invoiceUrl } }: ContentOf<'access_suspended'>): Letter {
  const { products } = wordsFor(licenses);
  const { why, todo } = suspensions[reason];
  return about(licenses, { subject: `Your access to ${products} is suspended`, heading: 'Access suspended', says: `Access to ${products} is suspended ${why}.`, todo, action: reason === 'PAYMENT_FAILED' ? payAt(invoiceUrl) : null });
}

function accessReinstated({ licenses }: ContentOf<'access_reinstated'>): Letter {
  const { products } = wordsFor(licenses);
  return about(licenses, {
    subject: `Your access to ${products} is back`,
    heading: 'Welcome back',
    says: `Access to ${products} works again: same key, same machines.`,
    todo: 'There is nothing you need to do.',
  });
}

function trialEnding({ licenses, data: { endsAt } }: ContentOf<'trial_ending'>): Letter {
  const { products } = wordsFor(licenses);
  return about(licenses, {
    subject: `Your trial of ${products} ends on ${day(endsAt)}`,
    heading: 'Your trial is ending',
    says: `Your trial of ${products} ends on ${day(endsAt)}.`,
    facts: [['Trial ends', moment(endsAt)]],
    todo: 'If you gave a payment method, it is charged then and everything keeps working. If you gave none, access ends on that day.',
  });
}

function cancellationScheduled({ licenses, data: { endsAt } }: ContentOf<'cancellation_scheduled'>): Letter {
  const { products } = wordsFor(licenses);
  return about(licenses, {
    subject: `Your ${products} subscription ends on ${day(endsAt)}`,
    heading: 'Your subscription is canceled',
    says: `Your subscription to ${products} is canceled and is not charged again. Until ${day(endsAt)} everything works as before; then access ends.`,
    facts: [['Access ends', moment(endsAt)]],
    todo: 'Changed your mind? Resume the subscription before that day, and nothing changes.',
  });
}

function expiringSoon({ licenses, data: { endsAt } }: ContentOf<'expiring_soon'>): Letter {
  const { products, license, expires, renews, itself } = wordsFor(licenses);
  return about(licenses, {
    subject: `Your ${products} ${license} ${expires} on ${day(endsAt)}`,
    heading: `Your ${license} ${expires} soon`,
    says: `Your ${license} for ${products} ${expires} on ${day(endsAt)}. Until then everything works as before.`,
    facts: [['Expires', moment(endsAt)]],
    todo: `${renews} by ${itself}: to go on after that day, please renew in time.`,
  });
}

function expired({ licenses, data: { endedAt } }: ContentOf<'expired'>): Letter {
  const { products, license } = wordsFor(licenses);
  return about(licenses, {
    subject: `Your ${products} ${license} expired`,
    heading: `Your ${license} expired`,
    says: `Your ${license} for ${products} expired on ${day(endedAt)}.`,
    facts: [['Expired', moment(endedAt)]],
    todo: 'To go on using the software, please renew.',
  });
}

const revocations: Record<ContentOf<'access_revoked'>['data']['reason'], string> = {
  REFUNDED: 'Your payment was refunded',
  DISPUTED: 'The payment was returned to you after a dispute',
};

function accessRevoked({ licenses, data: { reason } }: ContentOf<'access_revoked'>): Letter {
  const { products, license, is } = wordsFor(licenses);
  return about(licenses, {
    subject: `Your ${products} ${license} ${is} no longer valid`,
    heading: 'Access ended',
    says: `${revocations[reason]}, so your ${license} for ${products} ${is} no longer valid.`,
    todo: 'If you did not expect this, please reply to this mail.',
  });
}

function portalLink(): Letter {
  return {
    subject: 'Your sign-in link',
    heading: 'Your sign-in link',
    blocks: [{ say: 'Here is the link to your licenses, keys and machines.' }, { say: 'If you did not ask for it, you can leave this mail alone.' }],
    action: null,
  };
}

function endpointDisabled({ url, data: { endpointId, reason } }: ContentOf<'endpoint_disabled'>): Letter {
  return {
    subject: 'A webhook endpoint of yours was disabled',
    heading: 'Webhook endpoint disabled',
    blocks: [
      { say: 'Tillkey sends no more webhooks to this endpoint of yours:' },
      { facts: [['Endpoint', plain(url)], ['Reason', plain(reason)]] },
      { say: `Once it answers again, enable it: PATCH /api/v1/webhooks/${endpointId} with {"enabled": true}. What it missed is listed at /api/v1/webhooks/${endpointId}/deliveries?status=failed; POST /api/v1/webhook-deliveries/{id}/redeliver sends it again.` },
    ],
    action: null,
  };
}

type Telling = { subject: string; heading: string; says: string; facts?: [string, string][]; todo: string; action?: Action | null };

/** What happened, to which licenses, what it means and what to do. */
function about(licenses: MailedLicense[], { says, facts = [], todo, action = null, ...rest }: Telling): Letter {
  const named = [...byProduct(licenses)].map(([product, keys]): [string, string] => [product, `${keys.length > 1 ? `${keys.length} licenses: ` : 'License '}${keys.join(', ')}`]);
  const blocks: Block[] = [{ say: says }, { facts: [...named, ...facts] }, { say: todo }];
  return { ...rest, blocks, action };
}

/** The keys of each product, in the order of the licenses. */
function byProduct(licenses: MailedLicense[]): Map<string, string[]> {
  const groups = Map.groupBy(licenses, ({ productName }) => plain(productName));
  return new Map([...groups].map(([product, those]) => [product, those.map(({ key }) => plain(key))]));
}

const singular = { key: 'key', license: 'license', is: 'is', expires: 'expires', renews: 'It does not renew', itself: 'itself' };
const plural = { key: 'keys', license: 'licenses', is: 'are', expires: 'expire', renews: 'They do not renew', itself: 'themselves' };

function wordsFor(licenses: MailedLicense[]) {
  return { products: inWords([...byProduct(licenses).keys()].map(shortened)), ...(licenses.length > 1 ? plural : singular) };
}

/** A, B and 3 more */
function inWords([first = '', second, ...more]: string[]): string {
  if (second === undefined) return first;
  return more.length === 0 ? `${first} and ${second}` : `${first}, ${second} and ${more.length} more`;
}

const MOST_OF_A_NAME = 60;

/** A name as a sentence or a subject holds it; the list below shows it whole. */
function shortened(name: string): string {
  const symbols = [...name];
  return symbols.length > MOST_OF_A_NAME ? `${symbols.slice(0, MOST_OF_A_NAME - 1).join('')}…` : name;
}
