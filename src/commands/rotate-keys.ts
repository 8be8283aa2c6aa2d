import type { Clock } from '../clock.ts';
import { type PublicKey, type SigningKeys, spkiOf } from '../licensing/signing-keys.ts';
import type { Command } from './command.ts';

export const rotateKeys: Command<{ signingKeys: SigningKeys; clock: Clock }> = {
  name: 'keys:rotate',
  summary: 'make a new key to sign with; what the old ones signed keeps verifying',
  help: `npm run keys:rotate

Makes a new key to sign with, on DATABASE_URL or the data folder, also while Tillkey runs. What the old ones signed keeps verifying.
`,
  takes: {},
  run: async ({ say }, { signingKeys, clock }) => {
    await signingKeys.rotate(clock.now());
    const [current, ...old] = await signingKeys.publicKeys();
    if (current) say(rotated(current, old.length));
  },
};

function rotated({ kid, raw }: PublicKey, oldKeys: number): string {
  return `
The new signing key is ${kid}. It signs from now on; a Tillkey that runs takes it up within half a minute.
Its public key, for apps that carry it in their code:

  hex   ${raw.toString('hex')}
  SPKI  ${spkiOf(raw)}

What the ${oldKeys === 1 ? 'old key' : `${oldKeys} old keys`} signed keeps verifying: GET /public-keys lists them all.`;
}
