/**
 * What Stripe says an object was before an event: only the fields that changed, objects told field by field, arrays
 * told whole, a field that was not there told as null.
 */
export function previousAttributes(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const previous: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[name], after[name]];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    previous[name] = isRecord(was) && isRecord(is) ? previousAttributes(was, is) : (was ?? null);
  }
  return previous;
}

/** Whether a value is an object with named fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
