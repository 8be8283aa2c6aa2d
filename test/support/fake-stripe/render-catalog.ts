import { shownIn } from './shape.ts';
import { type Price, type Product, recordOf, type State, type StripeObject } from './state.ts';

/** A product as Stripe shows it. */
export function renderProduct({ livemode }: State, product: Product): StripeObject {
  return {
    id: product.id,
    object: 'product',
    active: true,
    attributes: [],
    created: product.created,
    default_price: null,
    description: null,
    images: [],
    livemode,
    marketing_features: [],
    metadata: {},
    name: product.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    type: 'service',
    unit_label: null,
    updated: product.created,
    url: null,
  };
}

/** A price as Stripe shows it, its product an id. */
export function renderPrice(state: State, priceId: string): StripeObject {
  const price = recordOf(state.prices, priceId);
  return {
    id: price.id,
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    created: price.created,
    currency: 'usd',
    custom_unit_amount: null,
    livemode: state.livemode,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: price.productId,
    recurring: recurringOf(state, price),
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: price.interval === null ? 'one_time' : 'recurring',
    unit_amount: price.unitAmount,
    unit_amount_decimal: String(price.unitAmount),
  };
}

function recurringOf({ shape }: State, price: Price): Record<string, unknown> | null {
  if (price.interval === null) return null;
  const { object, ...recurring } = shownIn(shape, {
    object: 'plan',
    aggregate_usage: null,
    interval: price.interval,
    interval_count: 1,
    meter: null,
    trial_period_days: null,
    usage_type: 'licensed',
  });
  return recurring;
}

/** The same price as a plan, its forerunner, which Stripe goes on showing beside it. */
export function renderPlan(state: State, priceId: string): StripeObject {
  const price = recordOf(state.prices, priceId);
  return shownIn(state.shape, {
    id: price.id,
    object: 'plan',
    active: true,
    aggregate_usage: null,
    amount: price.unitAmount,
    amount_decimal: String(price.unitAmount),
    billing_scheme: 'per_unit',
    created: price.created,
    currency: 'usd',
    interval: price.interval,
    interval_count: 1,
    livemode: state.livemode,
    metadata: {},
    meter: null,
    nickname: null,
    product: price.productId,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  });
}
