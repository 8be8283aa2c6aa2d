import { z } from 'zod';
import type { StripeFact } from './facts.ts';
import { finding, type Finding } from './outcome.ts';

/** The pieces that every family of Stripe payloads shares, and what a reader answers. */

/** What came of reading an object: a fact, or why there is none. */
export type Read<Fact extends StripeFact = StripeFact> = { ok: true; fact: Fact } | { ok: false; finding: Finding };

export const id = z
  .union([z.string(), z.looseObject({ id: z.string() }).transform((object) => object.id)])
  .nullish()
  .transform((value) => value ?? null);
export const text = z
  .string()
  .nullish()
  .transform((value) => (value == null ? null : storable(value)));

const YEAR_10000 = 253_402_300_800;

/** Unix seconds, up to where a moment still sorts as its text. */
export const moment = z.number().min(0).lt(YEAR_10000).transform(isoOf);

export const seconds = moment.nullish().transform((value) => value ?? null);

/** Text that a database can hold: no NUL, no half of a surrogate pair. No field that matters legitimately has either. */
export function storable(value: string): string {
  return value.replaceAll('\u0000', '').toWellFormed();
}

function isoOf(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString();
}

/** `price` (2020 on), `plan` (before), or `pricing.price_details` (basil on): whichever names the price. */
export const priced = z
  .looseObject({
    price: z.union([z.string(), z.looseObject({ id: z.string(), product: id })]).nullish(),
    plan: z.looseObject({ id: z.string(), product: id }).nullish(),
    pricing: z.looseObject({ price_details: z.looseObject({ price: id, product: id }).nullish() }).nullish(),
  })
  .transform(({ price, plan, pricing }) => {
    const details = pricing?.price_details;
    if (details?.price) return { priceId: details.price, productId: details.product };
    if (typeof price === 'string') return { priceId: price, productId: null };
    const named = price ?? plan;
    return named ? { priceId: named.id, productId: named.product } : { priceId: null, productId: null };
  });

export const quantity = z.int().nonnegative().nullish();

/** In the currency's smallest unit. */
export const amount = z.number();

/** The value if it is one we know. Stripe's enums are open: an unknown one changes nothing and needs attention. */
export function known<const Value extends string>(values: readonly Value[], value: string | null): Value | null {
  return values.find((candidate) => candidate === value) ?? null;
}

export function unknownValue(what: string, value: string | null): { ok: false; finding: Finding } {
  return { ok: false, finding: finding('value_unknown', `${what} ${value === null ? 'missing' : `"${value}"`}`) };
}

export function unknownShape(what: string, error: z.ZodError | undefined): { ok: false; finding: Finding } {
  const where = error?.issues[0]?.path.join('.') ?? '';
  return { ok: false, finding: finding('shape_unknown', where ? `${what}: ${where}` : what) };
}
