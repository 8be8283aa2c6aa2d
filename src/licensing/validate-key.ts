import { z } from 'zod';
import type { AppEvents } from './app-events.ts';
import { type AskedLicense, askedLicenses } from './asked-license.ts';
import { fingerprint, heartbeatDueAt, isDead } from './core/machine.ts';
import { findSeat } from './core/seat.ts';
import { effectiveStatus, type Status } from './core/status.ts';
import { type Examined, judge, type Question, type Verdict, type VerdictCode, verdictCodes } from './core/verdict.ts';
import { isCertainSlip } from './find-license.ts';
import type { Licensing } from './licensing.ts';
import { useTaker } from './take-use.ts';
import { gatherNotes } from './validation-notes.ts';

export const validateRequest = z.strictObject({
  key: z.string().min(1).max(255),
  fingerprint: fingerprint.optional(),
  entitlements: z.array(z.string().min(1).max(100)).max(100).optional(),
  product: z.string().min(1).max(255).optional(),
  nonce: z.string().min(1).max(255).optional(),
});

/** `scopeId`: asked by somebody who may only know of that scope's licenses. */
type ValidateRequest = z.output<typeof validateRequest> & Pick<Question, 'keyAlone'> & { scopeId?: number | undefined };

export type JudgedLicense = AskedLicense & { status: Status };

/** The verdict, the license it is about where the asker may know of it, and the time of its scope that it was judged by. */
type Validation = Verdict & { license: JudgedLicense | null; at: Date };
type Known = Validation & { license: JudgedLicense };

export type Validations = {
  /** Judges a key: one statement, shared with whoever asks at the same moment, then the pure guards; a second one takes a counted use. */
  validate(request: ValidateRequest, now: Date): Promise<Validation>;
  /** Writes down what validations here left to be written. */
  flush(): Promise<void>;
  /** How many were answered here since the start, by code. */
  counts: ReadonlyMap<VerdictCode, number>;
};

type Setting = Licensing & { appEvents: Pick<AppEvents, 'tell'>; warn: (error: unknown) => void; now: () => Date };

/** Validating keys, with what it gathers between requests. */
export function createValidations({ database, keys, slackHours, appEvents, warn, now }: Setting): Validations {
  const ask = askedLicenses(database);
  const takeUse = useTaker({ database, slackHours });
  const notes = gatherNotes({ database, slackHours, warn, now });
  const judgeAsked = async (asked: AskedLicense, request: ValidateRequest, at: Date): Promise<Known> => {
    const license = { ...asked, status: effectiveStatus(asked, slackHours, at) };
    const judged = judge(examinedOf(license, at), request);
    if (judged.code === 'PRODUCT_MISMATCH') return { ...judged, license, at };
    const usesCount = judged.valid && license.maxUses !== null ? await takeUse(license.id, at) : license.usesCount;
    const verdict = usesCount === null ? judge({ ...examinedOf(license, at), usesLeft: false }, request) : judged;
    const pending = notes.add(noteOf(license, request.fingerprint ?? null, { valid: verdict.valid, at }));
    return { ...verdict, at, license: { ...license, usesCount: (usesCount ?? license.maxUses ?? 0) + pending } };
  };
  const { counts, counted } = countCodes();
  return {
    flush: notes.flush,
    counts,
    validate: async (request, realNow) => {
      const reading = keys.read(request.key);
      const asked = (await isCertainSlip(database, reading)) ? null : await ask({ keyHash: reading.hash, fingerprint: request.fingerprint ?? null, scopeId: request.scopeId ?? null });
      if (asked === null) return counted({ ...judge(null, request), license: null, at: realNow });
      const validation = await judgeAsked(asked, request, judgedAt(asked, realNow));
      appEvents.tell(eventOf(validation, request));
      // The vendor hears whose key was asked about; who asks about another product does not.
      return counted(validation.code === 'PRODUCT_MISMATCH' ? { ...validation, license: null } : validation);
    },
  };
}

function countCodes() {
  const counts = new Map<VerdictCode, number>(verdictCodes.map((code) => [code, 0]));
  const counted = (validation: Validation): Validation => {
    counts.set(validation.code, (counts.get(validation.code) ?? 0) + 1);
    return validation;
  };
  return { counts, counted };
}

/** What was asked and answered, but for the key. */
function eventOf({ valid, code, license, at }: Known, asked: ValidateRequest) {
  const { fingerprint: sent, product, entitlements } = asked;
  const data = { valid, code, fingerprint: sent ?? null, machineId: license.machine?.id ?? null, product: product ?? null, entitlements: entitlements ?? [], license: publicLicense(license) };
  return { type: valid ? 'validation.success' as const : 'validation.failed' as const, scopeId: license.scopeId, licenseId: license.id, at, data };
}

/** What whoever holds a key may know: no customer, no metadata. */
export function publicLicense(license: JudgedLicense): object {
  const { id, name, status, productId, policyId, expiresAt, maxMachines, maxUses, usesCount, createdAt } = license;
  return { id, name, status, productId, policyId, expiresAt, maxMachines, maxUses, usesCount, createdAt };
}

/** A rehearsal of its scope may be ahead of real time. */
function judgedAt({ testNow }: AskedLicense, realNow: Date): Date {
  return testNow !== null && testNow > realNow ? testNow : realNow;
}

function examinedOf(license: JudgedLicense, now: Date): Examined {
  const { status, productId, productCode, policy, machine, rivals, maxMachines, maxUses, usesCount, entitlements } = license;
  return {
    status,
    product: { id: productId, code: productCode },
    policy,
    machine: machine && { dead: isDead(machine, policy, now) },
    slotFree: findSeat(rivals, { limit: maxMachines, policy }, now).free,
    entitlements,
    usesLeft: maxUses === null || usesCount < maxUses,
  };
}

/** A use that a limit counts was counted already; a fingerprint is noted where sharing is watched for. */
function noteOf({ id, scopeId, maxUses, maxUniqueFingerprints }: JudgedLicense, sent: string | null, { valid, at }: { valid: boolean; at: Date }) {
  return { licenseId: id, scopeId, at, valid, uses: valid && maxUses === null ? 1 : 0, fingerprint: maxUniqueFingerprints === null ? null : sent };
}

/** The machine that asked, as the answer shows it. */
export function viewAskedMachine({ machine, policy }: JudgedLicense, now: Date): object | null {
  if (machine === null) return null;
  const { id, fingerprint: print, name, platform, hostname, cores, lastHeartbeatAt, createdAt } = machine;
  const status = isDead(machine, policy, now) ? 'dead' : 'alive';
  return { id, fingerprint: print, name, platform, hostname, cores, status, lastHeartbeatAt, heartbeatDueAt: heartbeatDueAt(machine, policy), createdAt };
}
