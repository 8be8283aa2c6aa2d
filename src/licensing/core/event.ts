/** What can happen here, in the past tense. Each is told in the commit that made it so. */
export const eventTypes = [
  'license.created', 'license.activated', 'license.updated', 'license.suspended', 'license.reinstated', 'license.revoked', 'license.banned',
  'license.renewed', 'license.deleted', 'license.sharing_detected', 'license.key_rotated', 'license.checked_out',
  'machine.activated', 'machine.deactivated', 'machine.dead',
  'customer.created', 'customer.updated',
] as const;

export type EventType = (typeof eventTypes)[number];
