import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { composeDocument, type LicenseDocument } from '../../src/licensing/core/license-document.ts';
import { writeLicenseFile } from '../../src/licensing/license-file.ts';
import { documentSource, FINGERPRINT, fixedSigner, LICENSE_KEY, PRODUCT_ID, PUBLIC_KEY } from '../support/offline-file.ts';

/** Runs what the README shows, as it stands there. */

const execute = promisify(execFile);
const SPKI = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(PUBLIC_KEY, 'hex')]).toString('base64');

let folder: string;
let blocks: (language: string, about: string) => string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tillkey-readme-'));
  const [, section = ''] = (await readFile(new URL('../../README.md', import.meta.url), 'utf8')).split('## Verify a license file offline\n');
  const all = [...section.matchAll(/```(\w+)\n([^]*?)```/g)].map(([, language, text = '']) => ({ language, text }));
  blocks = (language, about) => all.find((block) => block.language === language && block.text.includes(about))?.text ?? '';
  await writeFile(join(folder, 'verify.ts'), blocks('ts', 'verify'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const documentOf = (bound: boolean, issuedAt = new Date()): LicenseDocument =>
  composeDocument(documentSource({ bound }), ['entitlements'], { kid: fixedSigner.kid, issuedAt, ttl: 3_600 });

async function keep(document: LicenseDocument, encrypt: boolean): Promise<void> {
  await writeFile(join(folder, 'license.lic'), writeLicenseFile(document, fixedSigner, encrypt ? { licenseKey: LICENSE_KEY } : null).certificate);
}

describe('the reader in the README', () => {
  const run = async (args: string[], productId = PRODUCT_ID) => {
    const { stdout } = await execute(process.execPath, ['--disable-warning=ExperimentalWarning', 'verify.ts', 'license.lic', ...args], { cwd: folder, env: { SPKI, PRODUCT_ID: productId } });
    return JSON.parse(stdout);
  };

  test.each([[false, false], [false, true], [true, false], [true, true]])('opens a file, bound to a machine: %p, encrypted: %p', async (bound, encrypt) => {
    const document = documentOf(bound);
    await keep(document, encrypt);
    expect(await run([LICENSE_KEY, FINGERPRINT])).toEqual(JSON.parse(JSON.stringify(document)));
  });

  test('refuses a file that was touched, is for another machine or product, or has expired', async () => {
    await keep(documentOf(true), false);
    await expect(run([LICENSE_KEY, 'another'])).rejects.toThrow('for another machine');
    await expect(run([LICENSE_KEY, FINGERPRINT], 'another')).rejects.toThrow('for another product');
    await keep(documentOf(false, new Date(Date.now() - 3_600_000)), true);
    await expect(run([LICENSE_KEY])).rejects.toThrow('expired');
    const certificate = writeLicenseFile(documentOf(false), { kid: fixedSigner.kid, sign: (text) => fixedSigner.sign(`${text} `) }, null).certificate;
    await writeFile(join(folder, 'license.lic'), certificate);
    await expect(run([LICENSE_KEY])).rejects.toThrow('not genuine');
  });
});

const openssl = await execute('openssl', ['version']).then(({ stdout }) => stdout.startsWith('OpenSSL 3'), () => false);
if (!openssl) process.stderr.write('\nNO OPENSSL 3: what the README says of it was not run\n');

(openssl ? describe : describe.skip)('the openssl commands in the README', () => {
  const run = () => execute('sh', ['-e', '-c', blocks('sh', 'pkeyutl')], { cwd: folder, env: { PATH: process.env['PATH'] ?? '', SPKI } });

  test('verify a file and show what it says', async () => {
    const document = documentOf(false);
    await keep(document, false);
    const { stdout } = await run();
    expect(stdout).toContain('Signature Verified Successfully');
    expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toEqual(JSON.parse(JSON.stringify(document)));
  });

  test('refuse a file that somebody else signed', async () => {
    const { certificate } = writeLicenseFile(documentOf(false), { kid: fixedSigner.kid, sign: (text) => fixedSigner.sign(`${text} `) }, null);
    await writeFile(join(folder, 'license.lic'), certificate);
    await expect(run()).rejects.toMatchObject({ stdout: expect.stringContaining('Signature Verification Failure') });
  });
});
