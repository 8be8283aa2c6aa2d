import { ApiError, badParameter } from '../api-error.ts';
import { renderPlan, renderPrice, renderProduct } from '../render-catalog.ts';
import type { Interval, Price, Product, StripeObject } from '../state.ts';
import { emit, requestedStep, type Step } from '../step.ts';
import { integerOf, type Params, partOf, requiredText, textOf } from './params.ts';
import { type Call, find, type Kind, named, readRoutes, type Route, shown } from './route.ts';
import { tell, update } from './tell.ts';

/** What is for sale: products, their prices, and plans, which are prices by their old name. */

const productKind: Kind<Product> = {
  path: '/v1/products', noun: 'product', param: 'id', records: ({ products }) => products, render: renderProduct, filters: ['active'],
};

const priceKind: Kind<Price> = {
  path: '/v1/prices',
  noun: 'price',
  param: 'price',
  records: ({ prices }) => prices,
  render: (state, { id }) => renderPrice(state, id),
  filters: ['active', 'product', 'type'],
};

const planKind: Kind<Price> = {
  ...priceKind,
  path: '/v1/plans',
  noun: 'plan',
  param: 'plan',
  records: ({ prices }) => new Map([...prices].filter(([, { interval }]) => interval !== null)),
  render: (state, { id }) => renderPlan(state, id),
};

export const catalogRoutes: Route[] = [
  ...readRoutes(productKind),
  { method: 'post', path: productKind.path, answer: ({ state, params }) => shown(state, productKind, createProduct(requestedStep(state), params)) },
  { method: 'post', path: '/v1/products/:id', answer: changeProduct },
  { method: 'delete', path: '/v1/products/:id', answer: removeProduct },
  ...readRoutes(priceKind),
  { method: 'post', path: priceKind.path, answer: ({ state, params }) => shown(state, priceKind, createPrice(requestedStep(state), params, ['price'])) },
  { method: 'post', path: '/v1/prices/:id', answer: (call) => change(call, priceKind, 'price.updated') },
  ...readRoutes(planKind),
  { method: 'post', path: planKind.path, answer: createPlan },
  { method: 'post', path: '/v1/plans/:id', answer: (call) => change(call, planKind, 'plan.updated') },
  { method: 'delete', path: '/v1/plans/:id', answer: removePlan },
];

/** A price given as `price`, or made of what is given as `price_data`. */
export function priceOf(step: Step, params: Params): string {
  const price = textOf(params, 'price') ?? textOf(partOf(params, 'pricing'), 'price') ?? textOf(params, 'plan');
  if (price != null) return named(step.state, priceKind, price, 'price').id;
  if (params['price_data'] === undefined) throw badParameter('price', 'Missing required param: price.');
  return createPrice(step, partOf(params, 'price_data'), ['price']).id;
}

/** An amount with no price of its own gets one, of a product that is not for sale otherwise. No event tells of them. */
export function priceForAmount({ state, at }: Step, unitAmount: number, name: string): string {
  const product: Product = { id: state.newId('product'), name, created: at };
  const price: Price = { id: state.newId('price'), productId: product.id, unitAmount, interval: null, created: at };
  for (const { id } of [product, price]) state.told.set(id, { active: false });
  state.products.set(product.id, product);
  state.prices.set(price.id, price);
  return price.id;
}

function createProduct(step: Step, params: Params): Product {
  const { state, at } = step;
  const id = textOf(params, 'id') ?? state.newId('product');
  if (state.products.has(id)) throw alreadyExists('Product', id);
  const product: Product = { id, name: requiredText(params, 'name'), created: at };
  state.products.set(id, product);
  tell(state, id, params);
  emit(step, 'product.created', renderProduct(state, product));
  return product;
}

function createPrice(step: Step, params: Params, nouns: ('price' | 'plan')[]): Price {
  const { state, at } = step;
  const id = textOf(params, 'id') ?? state.newId('price');
  const unitAmount = integerOf(params, 'unit_amount') ?? integerOf(params, 'amount') ?? 0;
  const price: Price = { id, productId: productOf(step, params), unitAmount, interval: intervalIn(params), created: at };
  state.prices.set(id, price);
  tell(state, id, params);
  const rendered = { plan: renderPlan(state, id), price: renderPrice(state, id) };
  for (const noun of nouns) emit(step, `${noun}.created`, rendered[noun]);
  return price;
}

function productOf(step: Step, params: Params): string {
  const product = textOf(params, 'product');
  if (product != null) return named(step.state, productKind, product, 'product').id;
  return createProduct(step, { ...partOf(params, 'product'), ...partOf(params, 'product_data') }).id;
}

function intervalIn(params: Params): Interval | null {
  const interval = textOf(partOf(params, 'recurring'), 'interval') ?? textOf(params, 'interval');
  if (interval == null || interval === 'month' || interval === 'year') return interval ?? null;
  throw badParameter('recurring[interval]', `The stand-in bills by the month and by the year, not by the ${interval}.`);
}

function changeProduct(call: Call): StripeObject {
  const { state, params } = call;
  const product = find(call, productKind);
  const render = () => renderProduct(state, product);
  const rename = () => {
    product.name = textOf(params, 'name') ?? product.name;
  };
  update(requestedStep(state), { type: 'product.updated', id: product.id, render, params, change: rename });
  return shown(state, productKind, product);
}

function removeProduct(call: Call): StripeObject {
  const { state } = call;
  const product = find(call, productKind);
  if ([...state.prices.values()].some(({ productId }) => productId === product.id)) {
    throw badParameter('id', 'This product cannot be deleted because it has one or more user-created prices.');
  }
  emit(requestedStep(state), 'product.deleted', renderProduct(state, product));
  state.products.delete(product.id);
  return { id: product.id, object: 'product', deleted: true };
}

/** A price is changed in what is told of it alone. */
function change(call: Call, kind: Kind<Price>, type: string): StripeObject {
  const { state, params } = call;
  const price = find(call, kind);
  update(requestedStep(state), { type, id: price.id, render: () => kind.render(state, price), params });
  return shown(state, kind, price);
}

function createPlan({ state, params }: Call): StripeObject {
  return shown(state, planKind, createPrice(requestedStep(state), params, ['plan', 'price']));
}

function removePlan(call: Call): StripeObject {
  const { state } = call;
  const price = find(call, planKind);
  const step = requestedStep(state);
  emit(step, 'plan.deleted', renderPlan(state, price.id));
  emit(step, 'price.deleted', renderPrice(state, price.id));
  state.prices.delete(price.id);
  return { id: price.id, object: 'plan', deleted: true };
}

function alreadyExists(noun: string, id: string): ApiError {
  return new ApiError(400, { code: 'resource_already_exists', message: `${noun} already exists: ${id}`, type: 'invalid_request_error' });
}
