/** What can happen here, in the past tense. Each is told in the commit that made it so. */
export const eventTypes = [
  'license.created', 'license.activated', 'license.updated', 'license.suspended', 'license.reinstated', 'license.revoked', 'license.banned',
  'license.renewed', 'license.expired', 'license.expiring_soon', 'license.deleted', 'license.limit_reached', 'license.sharing_detected',
  'license.key_rotated', 'license.grace_started', 'license.grace_ended', 'license.checked_out',
  'machine.activated', 'machine.deactivated', 'machine.heartbeat', 'machine.dead',
  'validation.success', 'validation.failed',
  'customer.created', 'customer.updated',
  'stripe.event_needs_attention',
] as const;

export type EventType = (typeof eventTypes)[number];
