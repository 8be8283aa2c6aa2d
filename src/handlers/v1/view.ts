/** A row as the API shows it: everything but the scope it belongs to, which is the caller's own. */
export function withoutScope<Row extends { scopeId: number }>(row: Row): Omit<Row, 'scopeId'> {
  const { scopeId: _scopeId, ...view } = row;
  return view;
}
