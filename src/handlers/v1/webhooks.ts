import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import type { Sealing } from '../../database/sealing.ts';
import type { WebhookEndpointRow } from '../../database/webhook-rows.ts';
import { ok, refuseField, type Result } from '../../errors.ts';
import { createWebhook, webhookRequest } from '../../licensing/create-webhook.ts';
import { deleteWebhook } from '../../licensing/delete-webhook.ts';
import { listWebhooks, readWebhook } from '../../licensing/read-webhooks.ts';
import { rotateWebhookSecret } from '../../licensing/rotate-webhook-secret.ts';
import { updateWebhook, webhookChange } from '../../licensing/update-webhook.ts';
import type { WebhookClient } from '../../webhook-client.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps } from './view.ts';

type Dependencies = { database: Database; clock: Clock; webhookSecrets: Sealing; webhookClient: Pick<WebhookClient, 'faultOf'> };

const webhook = z.strictObject({
  id: shown.id, url: z.string(), events: z.array(z.string()), description: shown.text, enabled: z.boolean(),
  failingSince: shown.timeOrNull.meta({ description: 'When the first attempt failed since the last that succeeded; after five days of it the endpoint is disabled.' }),
  disabledAt: shown.timeOrNull, disabledReason: shown.text, formerSecretUntil: shown.timeOrNull.meta({ description: 'Until when the secret before the last rotation signs too.' }), ...timestamps,
}).meta({ id: 'Webhook' });

const newWebhook = webhook.extend({ secret: z.string().meta({ description: 'What its deliveries are signed with; not shown again.' }) }).meta({ id: 'NewWebhook' });

/** Endpoints, like API keys, are a matter of the installation: they are on real time. */
export function webhookRoutes(dependencies: Dependencies): Route[] {
  const { database, clock, webhookClient } = dependencies;
  const checks = async ({ url }: { url?: string | undefined }) => (url === undefined ? ok(null) : checkUrl(webhookClient, url));
  const path = '/api/v1/webhooks';
  return [
    managementRoute({ method: 'post', path, permission: 'webhooks:write', summary: 'Create a webhook endpoint; its secret is shown in this answer only', input: webhookRequest, answers: answersOne(newWebhook, 201), refuses: ['CONFLICT'], checks }, async ({ scope, input }) =>
      one(await createWebhook(dependencies, scope, input, clock.now()), viewNewWebhook),
    ),
    managementRoute({ method: 'get', path, permission: 'webhooks:read', summary: 'List webhook endpoints', input: pageQuery, answers: answersMany(webhook) }, async ({ scope, input }) =>
      many(await listWebhooks(database, scope, input), viewWebhook),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'webhooks:read', summary: 'Read a webhook endpoint', input: noInput, answers: answersOne(webhook) }, async ({ scope, id }) =>
      one(await readWebhook(database, scope, id), viewWebhook),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'webhooks:write', summary: 'Change, disable or enable a webhook endpoint', input: webhookChange, answers: answersOne(webhook), checks }, async ({ scope, id, input }) =>
      one(await updateWebhook(database, { scope, id }, input, clock.now()), viewWebhook),
    ),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'webhooks:write', summary: 'Delete a webhook endpoint', input: noInput, answers: answersNothing }, async ({ scope, id }) =>
      done(await deleteWebhook(database, { scope, id }, clock.now())),
    ),
    managementRoute({ method: 'post', path: `${path}/:id/rotate-secret`, permission: 'webhooks:write', summary: 'Give a webhook endpoint a new secret; the old one signs too for a day', input: noInput, answers: answersOne(newWebhook) }, async ({ scope, id }) =>
      one(await rotateWebhookSecret(dependencies, { scope, id }, clock.now()), viewNewWebhook),
    ),
  ];
}

async function checkUrl({ faultOf }: Dependencies['webhookClient'], url: string): Promise<Result<null>> {
  const fault = await faultOf(url);
  return fault === null ? ok(null) : refuseField('url', fault, 'invalid_url');
}

function viewNewWebhook({ secret, ...row }: WebhookEndpointRow & { secret: string }): object {
  return { ...viewWebhook(row), secret };
}

/** What is known of an endpoint, but for its secrets. */
function viewWebhook({ scopeId: _scopeId, secretSealed: _sealed, formerSecrets, ...endpoint }: WebhookEndpointRow): object {
  return { ...endpoint, enabled: endpoint.disabledAt === null, formerSecretUntil: formerSecrets[0]?.until ?? null };
}
