import type { StripeObject } from '../state.ts';
import { emit, requestedStep } from '../step.ts';
import type { NewId } from '../ids.ts';
import { type Params, shownAs } from './params.ts';
import { type Call, find, type Kind, readRoutes, type Route } from './route.ts';

/** Objects that no rule of the stand-in reads: kept as they are told, with events for what is done to them. */
type Plain = { path: string; object: string; idKind: Parameters<NewId>[0]; start: (params: Params, call: Call) => Params };

const plain: Plain[] = [
  { path: '/v1/coupons', object: 'coupon', idKind: 'coupon', start: () => ({ duration: 'once', times_redeemed: 0, valid: true }) },
  { path: '/v1/promotion_codes', object: 'promotion_code', idKind: 'promotionCode', start: () => ({ active: true, times_redeemed: 0 }) },
  { path: '/v1/tax_rates', object: 'tax_rate', idKind: 'taxRate', start: () => ({ active: true }) },
  { path: '/v1/payment_links', object: 'payment_link', idKind: 'paymentLink', start: () => ({ active: true }) },
];

export const otherRoutes: Route[] = plain.flatMap((each) => routesOf(each));

function routesOf(each: Plain): Route[] {
  const kind = otherKind(each);
  return [
    ...readRoutes(kind),
    { method: 'post', path: each.path, answer: (call) => keepOther(call, each) },
    { method: 'post', path: `${each.path}/:id`, answer: (call) => changeOther(call, kind, `${each.object}.updated`, shownAs(call.params)) },
    { method: 'delete', path: `${each.path}/:id`, answer: (call) => remove(call, kind) },
  ];
}

/** A kind of object that is kept as it is shown. */
export function otherKind({ path, object }: Pick<Plain, 'path' | 'object'>): Kind<StripeObject> {
  const records: Kind<StripeObject>['records'] = ({ others }) => new Map([...others].filter(([, other]) => other.object === object));
  return { path, noun: object, param: 'id', records, render: (_, other) => other, filters: ['customer', 'active'] };
}

/** Keeps an object as it is told, and emits it. */
export function keepOther(call: Call, { object, idKind, start }: Plain): StripeObject {
  const { state, params } = call;
  const created = Math.floor(state.now().getTime() / 1000);
  const { expand: _expand, ...said } = shownAs(params);
  const id = state.newId(idKind);
  const other: StripeObject = { id, object, created, livemode: state.livemode, metadata: {}, ...start(params, call), ...said };
  state.others.set(id, other);
  emit(requestedStep(state), `${object}.created`, other);
  return other;
}

/** Changes an object that is kept as it is shown, and emits it. */
export function changeOther(call: Call, kind: Kind<StripeObject>, type: string, changes: Params): StripeObject {
  const before = find(call, kind);
  const { expand: _expand, ...said } = changes;
  const after: StripeObject = { ...before, ...said };
  call.state.others.set(after.id, after);
  emit(requestedStep(call.state), type, after, type.endsWith('.updated') ? before : undefined);
  return after;
}

function remove(call: Call, kind: Kind<StripeObject>): StripeObject {
  const other = find(call, kind);
  call.state.others.delete(other.id);
  emit(requestedStep(call.state), `${other.object}.deleted`, other);
  return { id: other.id, object: other.object, deleted: true };
}
