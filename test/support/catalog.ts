import type { TestService } from './service.ts';

/** A product, a policy that asks for no machine, and a mapping of `stripePriceId` to it. */
export async function createCatalog(
  { call }: Pick<TestService, 'call'>,
  { stripePriceId = 'price_1', policy = {}, mapping = {}, key }: { stripePriceId?: string; policy?: object; mapping?: object; key?: string } = {},
): Promise<{ productId: string; policyId: string; mappingId: string }> {
  const create = async (path: string, body: object): Promise<string> => {
    const { status, body: answer } = await call('POST', path, { body, ...(key !== undefined && { key }) });
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer.data.id;
  };
  const productId = await create('/api/v1/products', { name: 'Acme Pro', code: `ACME-${stripePriceId.slice(-20)}`, keyPrefix: 'ACME' });
  const policyId = await create('/api/v1/policies', { productId, name: 'Pro', requireFingerprint: false, ...policy });
  const mappingId = await create('/api/v1/stripe-mappings', { stripePriceId, policyId, ...mapping });
  return { productId, policyId, mappingId };
}
