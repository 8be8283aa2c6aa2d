import { z } from 'zod';
import type { CustomerFact } from './facts.ts';
import { type Read, text, unknownShape } from './stripe-shapes.ts';

const customerShape = z.looseObject({ id: z.string(), email: text, name: text });

export function readCustomer(object: unknown): Read<CustomerFact> {
  const shape = customerShape.safeParse(object);
  if (!shape.success) return unknownShape('customer', shape.error);
  const { email, name } = shape.data;
  return { ok: true, fact: { kind: 'customer', id: shape.data.id, email, name } };
}
