import express, { type Express } from 'express';
import type { Dependencies } from './dependencies.ts';
import { healthz, readyz } from './handlers/health.ts';
import { limitOthers } from './handlers/http/limit.ts';
import { answerOtherMethods, pathsOf } from './handlers/http/other-methods.ts';
import { lemonSqueezy } from './handlers/compat/lemon-squeezy.ts';
import type { OtherInterface } from './handlers/compat/other-interface.ts';
import { rustbill } from './handlers/compat/rustbill.ts';
import { sellApp } from './handlers/compat/sell-app.ts';
import { answerErrors, answerErrorsOf, answerUnknownPath } from './handlers/http/problem.ts';
import { identifyRequests } from './handlers/http/request-id.ts';
import { mount } from './handlers/http/mount.ts';
import type { Route } from './handlers/http/route.ts';
import { metrics } from './handlers/metrics.ts';
import { servePortal } from './handlers/portal/portal.ts';
import { answerPortalErrors } from './handlers/portal/problem.ts';
import { serveUnsubscribing } from './handlers/portal/unsubscribe.ts';
import { publicKeyRoutes } from './handlers/public-keys.ts';
import { documentOf } from './handlers/openapi/document.ts';
import { serveReference } from './handlers/reference.ts';
import { rawBody, stripeWebhook } from './handlers/stripe-webhook.ts';
import { accountRoutes } from './handlers/v1/account.ts';
import { apiKeyRoutes } from './handlers/v1/api-keys.ts';
import { applyMappingRoute } from './handlers/v1/apply-mapping.ts';
import { customerRoutes } from './handlers/v1/customers.ts';
import { entitlementRecordRoutes } from './handlers/v1/entitlement-records.ts';
import { entitlementRoutes } from './handlers/v1/entitlements.ts';
import { eventRoutes } from './handlers/v1/events.ts';
import { licenseRoutes } from './handlers/v1/licenses.ts';
import { machineRoutes } from './handlers/v1/machines.ts';
import { checkOutRoute } from './handlers/v1/offline-files.ts';
import { messageRoutes } from './handlers/v1/messages.ts';
import { policyRoutes } from './handlers/v1/policies.ts';
import { portalLinkRoute } from './handlers/v1/portal-link.ts';
import { previewRoute } from './handlers/v1/preview-event.ts';
import { productRoutes } from './handlers/v1/products.ts';
import { resyncRoute, resyncSubscriptionRoute } from './handlers/v1/resync.ts';
import { stripeEventRoutes } from './handlers/v1/stripe-events.ts';
import { stripeMappingRoutes } from './handlers/v1/stripe-mappings.ts';
import { testClockRoutes } from './handlers/v1/test-clock.ts';
import { webhookDeliveryRoutes } from './handlers/v1/webhook-deliveries.ts';
import { webhookRoutes } from './handlers/v1/webhooks.ts';
import { validateKeyRoute } from './handlers/v1/validate-key.ts';

/** The route table of the API. */
export function routes(dependencies: Dependencies): Route[] {
  return [
    validateKeyRoute(dependencies),
    ...publicKeyRoutes(dependencies),
    ...productRoutes(dependencies),
    ...policyRoutes(dependencies),
    ...entitlementRoutes(dependencies),
    ...licenseRoutes(dependencies),
    checkOutRoute(dependencies),
    resyncRoute(dependencies),
    ...entitlementRecordRoutes(dependencies),
    ...machineRoutes(dependencies),
    ...customerRoutes(dependencies),
    portalLinkRoute(dependencies),
    ...messageRoutes(dependencies),
    ...stripeMappingRoutes(dependencies),
    previewRoute(dependencies),
    applyMappingRoute(dependencies),
    resyncSubscriptionRoute(dependencies),
    ...stripeEventRoutes(dependencies),
    ...eventRoutes(dependencies),
    ...webhookRoutes(dependencies),
    ...webhookDeliveryRoutes(dependencies),
    ...accountRoutes(dependencies),
    ...apiKeyRoutes(dependencies),
    ...testClockRoutes(dependencies),
  ];
}

/** The interfaces of other systems, each below a path of its own. */
export function otherInterfaces(dependencies: Dependencies): OtherInterface[] {
  return [lemonSqueezy(dependencies), sellApp(dependencies), rustbill(dependencies)];
}

/** The HTTP side: the order of the middleware and the route table, nothing else. */
export function createApp(dependencies: Dependencies): Express {
  const { config, log } = dependencies;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', config.TRUST_PROXY ?? false);
  app.use(identifyRequests(log));
  const limited = limitOthers(dependencies.limits);
  app.get('/healthz', limited, healthz);
  app.get('/readyz', limited, readyz(dependencies));
  app.get('/metrics', limited, metrics(dependencies));
  app.post(['/webhooks/stripe', '/webhooks/stripe/:account'], rawBody, stripeWebhook(dependencies));
  const api = routes(dependencies);
  let made: ReturnType<typeof documentOf> | undefined;
  // For whoever asks first: no start waits for it.
  const document = () => (made ??= documentOf(api, { publicUrl: config.PUBLIC_URL }));
  mount(app, api, dependencies);
  const others = otherInterfaces(dependencies);
  for (const { routes: theirs, takes } of others) mount(app, theirs, dependencies, takes);
  serveReference(app, document, limited);
  servePortal(app, dependencies, limited);
  serveUnsubscribing(app, dependencies, limited);
  app.use(limited, answerOtherMethods(() => ({ ...document().paths, ...pathsOf(others.flatMap(({ routes: theirs }) => theirs)) })), answerUnknownPath);
  app.use('/portal', answerPortalErrors(log));
  for (const other of others) app.use(other.at, answerErrorsOf(other, log));
  app.use(answerErrors(log));
  return app;
}
