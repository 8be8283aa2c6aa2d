import { z } from 'zod';
import type { CustomerFact } from './facts.ts';
import { finding } from './outcome.ts';
import { type Read, text, unknownShape } from './stripe-shapes.ts';

const customerShape = z.looseObject({ id: z.string(), email: text, name: text, deleted: z.boolean().nullish() });

export function readCustomer(object: unknown): Read<CustomerFact> {
  const shape = customerShape.safeParse(object);
  if (!shape.success) return unknownShape('customer', shape.error);
  const { email, name, deleted } = shape.data;
  // The API shows a deleted customer without what it knew of them; what we know stays.
  if (deleted) return { ok: false, finding: finding('customer_deleted') };
  return { ok: true, fact: { kind: 'customer', id: shape.data.id, email, name } };
}
