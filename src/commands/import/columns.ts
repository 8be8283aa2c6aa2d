/** What a record may say, and the names it goes by: ours first, then those of other systems' exports. Of several that are there the first is read. */
const columns = {
  key: ['key', 'license_key', 'licence_key', 'license', 'licence', 'serial_number', 'serial', 'activation_key', 'license_code'],
  email: ['email', 'email_address', 'user_email', 'customer_email', 'owner_email', 'buyer_email', 'licensee_email'],
  name: ['name', 'user_name', 'customer_name', 'full_name', 'owner_name', 'buyer_name', 'licensee_name'],
  // A name or an address, whichever it is.
  customer: ['customer', 'user', 'owner', 'licensee'],
  product: ['product', 'product_code', 'product_name', 'product_id'],
  policy: ['policy', 'policy_name', 'policy_id', 'variant', 'variant_name', 'plan', 'plan_name'],
  status: ['status', 'state', 'license_status'],
  active: ['active', 'enabled', 'is_active'],
  suspended: ['suspended', 'disabled', 'is_suspended', 'is_disabled'],
  revoked: ['revoked', 'is_revoked'],
  banned: ['banned', 'is_banned'],
  limit: ['limit', 'activation_limit', 'activations_limit', 'max_machines', 'machine_limit', 'max_activations', 'max_instances', 'instance_limit', 'max_devices', 'device_limit', 'seats', 'max_seats', 'seat_limit'],
  max_uses: ['max_uses', 'usage_limit', 'use_limit', 'uses_limit'],
  uses: ['uses', 'uses_count', 'use_count', 'usage_count'],
  expires_at: ['expires_at', 'expires', 'expiry', 'expires_on', 'expiry_date', 'expiration', 'expiration_date', 'expiry_at', 'expire_date', 'valid_until', 'valid_to', 'end_date', 'ends_at'],
  // Names that may as well be of a mere number of activations come last.
  activations: [
    'fingerprints', 'fingerprint', 'machine_fingerprints', 'machine_fingerprint', 'machine_ids', 'machine_id', 'device_ids', 'device_id', 'hardware_ids', 'hardware_id', 'hwid',
    'instance_ids', 'instance_id', 'instance_identifiers', 'instance_identifier', 'activated_machines', 'activated_devices', 'activations', 'instances', 'machines', 'machine', 'devices', 'device',
  ],
  metadata: ['metadata'],
  created_at: ['created_at', 'created', 'created_on', 'date_created'],
  id: ['id', 'license_id', 'license_key_id'],
} as const;

export type Column = keyof typeof columns;

/** Which of these names stands for which column; those that nothing is read of. */
export function columnsOf(names: string[]): { at: Map<Column, number>; unread: string[] } {
  const said = names.map(squashed);
  const at = new Map(Object.entries(columns).flatMap(([column, aliases]) => {
    const index = aliases.map((alias) => said.indexOf(squashed(alias))).find((found) => found >= 0);
    return isColumn(column) && index !== undefined ? [[column, index] as const] : [];
  }));
  return { at, unread: names.filter((_, index) => ![...at.values()].includes(index)) };
}

/** However it is capitalized and put together; converters of JSON leave the path before the name. */
function squashed(name: string): string {
  return name.replace(/^.*attributes[./_]/i, '').toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

function isColumn(name: string): name is Column {
  return name in columns;
}
