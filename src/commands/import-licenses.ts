import { createInterface } from 'node:readline/promises';
import { openStaging } from '../database/staging.ts';
import type { Scope } from '../database/scope.ts';
import { AppError } from '../errors.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { type DefaultPlace, findDefaultPlace, placeLicenses } from '../licensing/place-licenses.ts';
import { chooseScopes } from './choose-scopes.ts';
import { type Call, type Command, misused } from './command.ts';
import { CSV_TYPES } from './import/csv.ts';
import type { ExportFormat } from './import/export-format.ts';
import { importStaged, type Source, type Target, type Total } from './import/import-staged.ts';
import { keygenFormat } from './import/keygen.ts';
import { lemonSqueezyFormat } from './import/lemon-squeezy.ts';
import { showProgress } from './import/progress.ts';
import { type ExportFile, openExports } from './import/read-export.ts';
import { orRecords, recordFormat } from './import/records.ts';
import { type Refusals, tellRefusals } from './import/refusals.ts';
import { stageExports } from './import/stage-export.ts';

type Needs = Licensing & { scopes: Scope[]; timeOf: (scope: Scope) => Promise<Date> };

const MOST_FILES = 20;

export const importCommand: Command<Needs> = {
  name: 'import',
  summary: 'bring keys, customers, limits, ends and activations from another system',
  help: `npm run import -- --from lemon-squeezy|keygen|csv [options] FILE...

Reads exports, checks every line of them and says what would come of it; then imports what was not refused. Licenses that are there already stay as
they are, and get the activations they lack: an import may be run again, after it was broken off or its file was mended. Nobody is mailed.
Keys stay as they are, and so do the ids of activations that are UUIDs. The README says what is read of each format.

  --from SYSTEM       lemon-squeezy, keygen: what its API lists, as JSON or JSON lines, in one file or several
                      csv: a line a license, with a column key and any of email, name, product, policy, status, limit,
                      max_uses, uses, expires_at, activations, metadata, created_at
                      A CSV may come from lemon-squeezy or keygen too: then its inactive licenses are active
  --dry-run           says what would come of it, and does nothing
  --yes               does not ask before it begins
  --test, --live      into which data; live where nothing is said
  --account ACCOUNT   the id or the name of a further account
  --product CODE      the product of licenses that name none
  --policy POLICY     the policy of licenses that name none, by its id, or its name
  --report FILE       writes what is refused to this file, as CSV, and not to the terminal

Ends with 0 when every line was taken or there already, with 1 when lines were refused (the others are imported), with 2 for a wrong call.
`,
  takes: { values: ['from', 'account', 'product', 'policy', 'report'], flags: ['live', 'test', 'dry-run', 'yes'], words: MOST_FILES },
  run: async (call, dependencies) => {
    const system = systemOf(call);
    const scope = await scopeOf(call, dependencies);
    const defaults = await defaultsOf(call, dependencies, scope);
    const files = await openExports(call.words);
    const format = formatOf(call.values['from'] ?? '', system, files);
    // First the file: a staging that is open when this is refused would keep the process from ending.
    const refusals = await tellRefusals(call.values['report']);
    const staging = await openStaging(dependencies.database);
    const source = { staging, format, refusals, progress: showProgress() };
    await work(call, source, { files, target: { licensing: dependencies, scope, defaults, allowMachineTransfer: system.allowMachineTransfer, now: () => dependencies.timeOf(scope) } }).finally(async () => {
      source.progress.end();
      staging.close();
      await refusals.close();
    });
  },
};

type System = { json: ExportFormat | null; inactive: 'active' | 'suspended'; allowMachineTransfer: boolean };

/** What is known of each system. Customers of Lemon Squeezy may take off activations themselves. */
const systems: Record<string, System> = {
  'lemon-squeezy': { json: lemonSqueezyFormat, inactive: 'active', allowMachineTransfer: true },
  keygen: { json: keygenFormat, inactive: 'active', allowMachineTransfer: false },
  csv: { json: null, inactive: 'suspended', allowMachineTransfer: false },
};

function systemOf({ values, words }: Call): System {
  const { from = '' } = values;
  const system = Object.hasOwn(systems, from) ? systems[from] : undefined;
  if (system === undefined) throw misused(`--from: expected one of ${Object.keys(systems).join(', ')}`);
  if (words.length === 0) throw misused('Which file? Give the path of an export.');
  return system;
}

function formatOf(from: string, { json, inactive }: System, files: ExportFile[]): ExportFormat {
  const [kind] = new Set(files.map((file) => file.kind));
  const other = files.find((file) => file.kind !== kind);
  if (other) throw misused(`${files[0]?.path} is ${kind === 'csv' ? 'a CSV' : 'JSON'}, and ${other.path} is not: import them one after the other.`);
  if (kind === 'csv') return recordFormat(CSV_TYPES, { from, inactive });
  if (json === null) throw misused(`${files[0]?.path} is JSON, and --from csv reads a CSV. JSON is read with --from lemon-squeezy or --from keygen.`);
  return orRecords(json, { from, inactive });
}

async function scopeOf(call: Call, dependencies: Needs): Promise<Scope> {
  if (call.flags.has('live') && call.flags.has('test')) throw misused('Say --live or --test: an import is for one side.');
  const mode = call.flags.has('test') ? 'test' : 'live';
  const scope = (await chooseScopes({ values: call.values, flags: new Set([mode]) }, dependencies))[0];
  if (scope === undefined) throw misused(`The account has no ${mode} side.`);
  return scope;
}

async function defaultsOf({ values: { product, policy } }: Call, { database }: Needs, scope: Scope): Promise<DefaultPlace> {
  const { place, missing } = await findDefaultPlace(database, scope, { product, policy });
  if (missing === 'product') throw misused(`--product: there is no product with the code ${product} in the ${scope.mode} data.`);
  if (missing === 'policy') throw misused(`--policy: there is not one policy ${policy} in the ${scope.mode} data. Give its id, or the code of its product with --product.`);
  return place;
}

type Work = { files: ExportFile[]; target: Omit<Target, 'placing' | 'dryRun'> & { defaults: DefaultPlace; allowMachineTransfer: boolean } };

async function work(call: Call, source: Source, { files, target }: Work): Promise<void> {
  await stageExports(source, target.licensing.keys, { files, from: call.values['from'] ?? '', unread: (columns) => call.say(`Nothing is read of these columns: ${columns.join(', ')}`) });
  await refuseNothing(source, files);
  const run = async (dryRun: boolean) => {
    const now = await target.now();
    const placing = placeLicenses({ ...target, database: target.licensing.database, dryRun, now: () => now });
    const total = await importStaged(source, { ...target, placing, dryRun });
    source.progress.end();
    call.say(said(total, { dryRun, made: placing.made(), scope: target.scope }));
    return total;
  };
  const { licenses, machines } = await run(true);
  if (!call.flags.has('dry-run') && licenses + machines > 0 && (await agreed(call, licenses))) await run(false);
  tellEnd(call, source.refusals);
}

/** Nothing to import is most likely the export of another system, or of something else. */
async function refuseNothing({ staging, format: { licenses, activations }, refusals }: Source, files: ExportFile[]): Promise<void> {
  if (refusals.count() > 0 || (await staging.count(licenses)) + (await staging.count(activations)) > 0) return;
  const sought = files[0]?.kind === 'csv' ? 'a line below the first' : `"type": "${licenses}" or "${activations}"`;
  throw misused(`Nothing to import in ${files.map(({ path }) => path).join(', ')}: expected ${sought}. Is --from the right one?`);
}

async function agreed({ flags, say }: Call, licenses: number): Promise<boolean> {
  if (flags.has('yes') || !process.stdin.isTTY || !process.stdout.isTTY) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Import ${licenses} licenses? [y/N] `).finally(() => terminal.close());
  const agrees = /^y(es)?$/i.test(answer.trim());
  if (!agrees) say('Nothing was imported.');
  return agrees;
}

function said({ licenses, licensesThere, machines, machinesThere, notes }: Total, { dryRun, made, scope }: { dryRun: boolean; made: string[]; scope: Scope }): string {
  return [
    `${dryRun ? 'Would import' : 'Imported'} into the ${scope.mode} data: ${licenses} licenses, ${machines} activations. Already there: ${licensesThere} licenses, ${machinesThere} activations.`,
    ...made.map((what) => `${dryRun ? 'Would make' : 'Made'} the ${what}.`),
    ...(dryRun ? [...notes].map(([note, count]) => `${count} licenses ${note}.`) : []),
  ].join('\n');
}

function tellEnd({ say, values: { report } }: Call, refusals: Refusals): void {
  if (refusals.count() === 0) return say('Nothing was refused.');
  throw new AppError('LINES_REFUSED', 422, `${refusals.count()} ${refusals.count() === 1 ? 'line was' : 'lines were'} refused${report === undefined ? ', as told above' : `: ${report} says why`}.`);
}
