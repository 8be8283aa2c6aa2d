import type { Reply, TestService } from './service.ts';

type Caller = Pick<TestService, 'call'>;

let products = 0;

async function create(tillkey: Caller, path: string, body: object): Promise<any> {
  const { status, body: answer }: Reply = await tillkey.call('POST', path, { body });
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
  return answer.data;
}

/** A policy with these fields, of a product of its own. */
export async function createPolicy(tillkey: Caller, fields: object = {}): Promise<any> {
  products += 1;
  const product = await create(tillkey, '/api/v1/products', { name: 'Acme Pro', code: `ACME-${products}`, keyPrefix: 'ACME' });
  return create(tillkey, '/api/v1/policies', { productId: product.id, name: 'Pro', ...fields });
}

/** A license with these fields, of a policy with those. */
export async function createLicense(tillkey: Caller, { policy = {}, license = {}, policyId }: { policy?: object; license?: object; policyId?: string } = {}): Promise<any> {
  return create(tillkey, '/api/v1/licenses', { policyId: policyId ?? (await createPolicy(tillkey, policy)).id, ...license });
}

export async function createEntitlement(tillkey: Caller, code: string): Promise<string> {
  return (await create(tillkey, '/api/v1/entitlements', { code, name: code })).id;
}

/** Activates a machine as the app that has the license's key. */
export function activate(tillkey: Caller, license: { key: string }, fingerprint: string, fields: object = {}): Promise<Reply> {
  return tillkey.call('POST', '/api/v1/machines', { license: license.key, body: { fingerprint, ...fields } });
}

/** What validate-key answers. */
export async function validate(tillkey: Caller, license: { key: string }, question: object = {}): Promise<any> {
  const { status, body } = await tillkey.call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key: license.key, ...question } });
  if (status !== 200) throw new Error(`validate-key: ${status} ${JSON.stringify(body)}`);
  return body.data;
}
