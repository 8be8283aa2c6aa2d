/** What an API key may be allowed to do: read or write one kind of resource. */
const resources = ['products', 'policies', 'licenses', 'machines', 'entitlements', 'customers', 'webhooks', 'stripe', 'api-keys', 'events', 'account'] as const;

export type Permission = `${(typeof resources)[number]}:${'read' | 'write'}`;

export const permissions: Permission[] = resources.flatMap((resource) => [`${resource}:read` as const, `${resource}:write` as const]);

/** Whether who holds `own` may hand out `asked`. None at all means everything, on both sides: only who has everything may give that. */
export function mayHandOut(own: string[], asked: string[]): boolean {
  return own.length === 0 || (asked.length > 0 && asked.every((scope) => own.includes(scope)));
}
