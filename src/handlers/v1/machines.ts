import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { activateMachine, activateRequest } from '../../licensing/activate-machine.ts';
import type { AppEvents } from '../../licensing/app-events.ts';
import { fingerprint, machineFields } from '../../licensing/core/machine.ts';
import { deactivateMachine } from '../../licensing/deactivate-machine.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import { type ShownMachine, viewMachine } from '../../licensing/machine-view.ts';
import { listMachines, readMachine, updateMachine } from '../../licensing/read-machines.ts';
import { recordHeartbeat } from '../../licensing/record-heartbeat.ts';
import { notFound, ok, refuseField } from '../../errors.ts';
import { answersMany, answersNothing, answersOne, done, granted, many, noInput, one, pageQuery } from '../http/answer.ts';
import { holderRoute, licensedRoute, managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps } from './view.ts';

const machinesQuery = pageQuery.extend({ licenseId: z.uuid().optional(), fingerprint: fingerprint.optional() });

/** Apps of other systems may name a device in fewer characters than ours must. */
const anyFingerprint = z.string().min(1).max(256);

const machine = z.strictObject({
  ...machineFields.shape, id: shown.id, licenseId: shown.id, fingerprint: anyFingerprint, status: z.enum(['alive', 'dead']),
  lastHeartbeatAt: shown.timeOrNull, heartbeatDueAt: shown.timeOrNull.meta({ description: 'When the next heartbeat is expected; an interval later the machine is dead. Null where the policy asks for none.' }), ...timestamps,
}).meta({ id: 'Machine' });

type Dependencies = Licensing & { clock: Clock; appEvents: Pick<AppEvents, 'tell'> };

const path = '/api/v1/machines';

export function machineRoutes(dependencies: Dependencies): Route[] {
  const { database } = dependencies;
  return [
    activateRoute(dependencies),
    managementRoute({ method: 'get', path, permission: 'machines:read', summary: 'List machines', input: machinesQuery, answers: answersMany(machine) }, async ({ scope, input, now }) => {
      const { limit, cursor, ...filter } = input;
      return many(await listMachines(database, scope, filter, { limit, cursor }), viewAt(now));
    }),
    licensedRoute({ method: 'get', path: `${path}/:id`, permission: 'machines:read', limit: 'other', summary: 'Read a machine', input: noInput, answers: answersOne(machine) }, async ({ scope, id, own, now }) =>
      one(await readMachine(database, { scope, id, own }), viewAt(now)),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'machines:write', summary: 'Change a machine', input: machineFields.partial(), answers: answersOne(machine) }, async ({ scope, id, input, now }) =>
      one(await updateMachine(database, { scope, id }, input, now), viewAt(now)),
    ),
    licensedRoute({ method: 'delete', path: `${path}/:id`, permission: 'machines:write', limit: 'other', summary: 'Deactivate a machine', input: noInput, answers: answersNothing, refuses: ['TRANSFER_NOT_ALLOWED'] }, async ({ scope, id, own, now }) =>
      done(await deactivateMachine(dependencies, { scope, id, own }, now)),
    ),
    heartbeatRoute(dependencies),
  ];
}

function viewAt(now: Date): (shownMachine: ShownMachine) => object {
  return (shownMachine) => viewMachine(shownMachine, now);
}

/** An app activates on its own license and need not say which; a vendor names one. */
function activateRoute(dependencies: Dependencies): Route {
  const input = activateRequest.extend({ licenseId: z.uuid().optional() });
  const refuses = ['NOT_FOUND', 'BANNED', 'REVOKED', 'SUSPENDED', 'EXPIRED', 'MACHINE_LIMIT_EXCEEDED', 'FINGERPRINT_TAKEN'] as const;
  const answers = { ...answersOne(machine, 201), also: { status: 200, when: 'A machine with this fingerprint was active already: no second slot is taken.' } };
  return licensedRoute({ method: 'post', path, permission: 'machines:write', limit: 'activate', summary: 'Activate a machine', input, answers, refuses: [...refuses] }, async ({ scope, own, input: { licenseId = own, ...request }, now }) => {
    if (licenseId === null) granted(refuseField('licenseId', 'Name the license to activate the machine on.', 'required'));
    if (own !== null && licenseId?.toLowerCase() !== own) granted(notFound());
    const activation = granted(await activateMachine(dependencies, { scope, licenseId: licenseId ?? '' }, request, now));
    return { ...one(ok(activation), viewAt(now)), ...(!activation.fresh && { status: 200 }) };
  });
}

/** One statement does it all; who called is only asked for when it found no machine. */
function heartbeatRoute({ clock, ...dependencies }: Dependencies): Route {
  return holderRoute({ method: 'post', path: `${path}/:id/heartbeat`, permission: 'machines:write', limit: 'other', summary: 'Tell that a machine is alive', input: noInput, answers: answersOne(machine) }, async ({ caller, id }) => {
    const holder = caller.by === 'license' ? { keyHash: caller.keyHash } : { scope: caller.scope };
    const beat = await recordHeartbeat(dependencies, { id, holder }, clock.now());
    if (!beat.ok && caller.by === 'license') await caller.own();
    return one(beat, ({ at, ...shownMachine }) => viewAt(at)(shownMachine));
  });
}
