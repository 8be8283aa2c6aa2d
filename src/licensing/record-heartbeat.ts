import type { Database } from '../database/orm.ts';
import { dateOf, dateOrNull, type Prepared, runPrepared } from '../database/prepared.ts';
import type { Scope } from '../database/scope.ts';
import { isUuid } from '../database/uuid.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { AppEvents } from './app-events.ts';
import type { Platform } from './core/machine.ts';
import { machineEvent, type ShownMachine } from './machine-view.ts';

/** Whose machine it must be: any of a vendor's scope, or of the one license that a key opens. */
type Holder = { scope: Scope } | { keyHash: Buffer };

/**
 * Of two heartbeats at once the later stays. A machine that is to be looked at is looked at when it was to be, which finds it alive: only one that
 * nobody looks at any more, because its death was told, gets a new time.
 */
const beatOf = (name: string, holder: string): Prepared => ({
  name,
  text: `
    update machines m set last_heartbeat_at = greatest(m.last_heartbeat_at, $2, t.now), died_at = null,
      due_at = case when m.due_at is null and o.require_heartbeat
        then greatest($2, t.now, o.heartbeat_required_since, l.policy_since) + (2 * o.heartbeat_interval_minutes) * interval '1 minute' + interval '1 millisecond'
        else m.due_at end
    from licenses l join policies o on o.id = l.policy_id left join test_clocks t on t.scope_id = l.scope_id
    where m.id = $1 and m.deleted_at is null and l.id = m.license_id and l.deleted_at is null and ${holder}
    returning m.id, m.scope_id, m.license_id, m.fingerprint, m.name, m.platform, m.hostname, m.cores, m.metadata,
      m.last_heartbeat_at, m.created_at, m.updated_at, o.require_heartbeat, o.heartbeat_interval_minutes, greatest(o.heartbeat_required_since, l.policy_since) as heartbeat_required_since, greatest($2, t.now) as at`,
});

const ofLicense = beatOf('heartbeat-license', 'l.key_hash = $3');
const ofScope = beatOf('heartbeat-scope', 'm.scope_id = $3');

/** The machine, and the time of its scope at which it was heard of. */
type Beat = ShownMachine & { at: Date };

/** A machine is alive: one statement, which revives a dead one as long as it was not removed. */
export async function recordHeartbeat(
  { database, appEvents }: { database: Database; appEvents: Pick<AppEvents, 'tell'> },
  { id, holder }: { id: string; holder: Holder },
  now: Date,
): Promise<Result<Beat>> {
  if (!isUuid(id)) return notFound();
  const [statement, whose] = 'scope' in holder ? [ofScope, holder.scope.id] : [ofLicense, holder.keyHash];
  const [row] = await runPrepared<BeatRow>(database, statement, [id, now, whose]);
  if (!row) return notFound();
  const beat = shownOf(row);
  appEvents.tell({ ...machineEvent('machine.heartbeat', beat, beat.at), licenseId: row.license_id, at: beat.at });
  return ok(beat);
}

type BeatRow = {
  id: string; scope_id: number; license_id: string; fingerprint: string; name: string | null; platform: Platform | null; hostname: string | null;
  cores: number | null; metadata: Record<string, unknown>; last_heartbeat_at: string; created_at: string; updated_at: string;
  require_heartbeat: boolean; heartbeat_interval_minutes: number; heartbeat_required_since: string | null; at: string;
};

function shownOf(row: BeatRow): Beat {
  const { id, fingerprint, name, platform, hostname, cores, metadata } = row;
  return {
    at: dateOf(row.at),
    machine: {
      id, scopeId: row.scope_id, licenseId: row.license_id, fingerprint, minted: false, name, platform, hostname, cores, metadata,
      lastHeartbeatAt: dateOf(row.last_heartbeat_at), createdAt: dateOf(row.created_at), updatedAt: dateOf(row.updated_at), dueAt: null, diedAt: null, deletedAt: null,
    },
    policy: {
      requireHeartbeat: row.require_heartbeat,
      heartbeatIntervalMinutes: row.heartbeat_interval_minutes,
      heartbeatRequiredSince: dateOrNull(row.heartbeat_required_since),
    },
  };
}
