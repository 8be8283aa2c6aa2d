import type { FakeEvent } from './state.ts';

/** An event that only names its object (`v2.core.event`). */
export type ThinEvent = {
  id: string;
  object: 'v2.core.event';
  context: null;
  created: string;
  livemode: boolean;
  related_object: { id: string; type: string; url: string };
  snapshot_event: string;
  type: string;
};

/** Where the API has what thin events name. */
const pathOf: Record<string, string> = { 'checkout.session': 'checkout/sessions' };

/** The thin twin of a snapshot event: it names the object and the snapshot, and says nothing of either. */
export function thinTwin({ id, created, data, livemode, type }: FakeEvent): ThinEvent {
  const { id: objectId, object } = data.object;
  return {
    id: id.replace(/^evt_1/, 'evt_test_65'),
    object: 'v2.core.event',
    context: null,
    created: new Date(created * 1000).toISOString(),
    livemode,
    related_object: { id: objectId, type: object, url: `/v1/${pathOf[object] ?? `${object}s`}/${objectId}` },
    snapshot_event: id,
    type: `v1.${type}`,
  };
}
