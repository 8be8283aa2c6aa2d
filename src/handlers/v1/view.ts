import { z } from 'zod';

/** A row as the API shows it: everything but the scope it belongs to, which is the caller's own. */
export function withoutScope<Row extends { scopeId: number }>(row: Row): Omit<Row, 'scopeId'> {
  const { scopeId: _scopeId, ...view } = row;
  return view;
}

/** Parts of what the API shows, for the OpenAPI document. */
export const shown = {
  id: z.uuid(),
  time: z.iso.datetime(),
  timeOrNull: z.iso.datetime().nullable(),
  text: z.string().nullable(),
  count: z.int().min(0),
  limit: z.int().positive().nullable(),
  metadata: z.record(z.string(), z.unknown()),
};

export const timestamps = { createdAt: shown.time, updatedAt: shown.time, deletedAt: shown.timeOrNull };
