import { isRecord } from '../previous-attributes.ts';
import type { State, StripeObject } from '../state.ts';
import { emitShown, show, type Step } from '../step.ts';
import { type Params, shownAs } from './params.ts';

/** What may be said of an object that no rule of the stand-in reads. */
const NAMES = [
  'active', 'address', 'client_reference_id', 'currency', 'days_until_due', 'description', 'footer', 'lookup_key', 'metadata', 'nickname', 'phone',
  'preferred_locales', 'receipt_email', 'shipping', 'statement_descriptor', 'success_url', 'cancel_url', 'test_clock', 'url',
];

/** Notes what the parameters say of an object. Metadata is merged; a key without a value is removed. */
export function tell(state: State, id: string, params: Params): void {
  const known = state.told.get(id) ?? {};
  const said = Object.entries(shownAs(params)).filter(([name]) => NAMES.includes(name));
  const merged = said.map(([name, value]) => [name, name === 'metadata' ? mergedMetadata(known[name], value) : value]);
  if (said.length > 0) state.told.set(id, { ...known, ...Object.fromEntries(merged) });
}

function mergedMetadata(known: unknown, said: unknown): Record<string, unknown> {
  if (!isRecord(said)) return {};
  return Object.fromEntries(Object.entries({ ...(isRecord(known) && known), ...said }).filter(([, value]) => value !== ''));
}

type Update = { type: string; id: string; render: () => StripeObject; params: Params; change?: () => void };

/** Changes an object as the parameters say, and what is told of it, and emits one event that says what changed. */
export function update(step: Step, { type, id, render, params, change = () => undefined }: Update): void {
  const { state } = step;
  const before = show(state, render());
  change();
  tell(state, id, params);
  emitShown(step, type, show(state, render()), before);
}

/** Whether the parameters say anything of an object that no rule reads. */
export function isToldOf(params: Params): boolean {
  return Object.keys(params).some((name) => NAMES.includes(name));
}
