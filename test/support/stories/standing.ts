import { type Shop, START } from './story.ts';

const DAY_MS = 86_400_000;

/** What every license of a price that is not the plain one is said to be of. */
const worthSaying: (keyof Shop)[] = ['pro', 'addon', 'yearly', 'extra', 'gift'];

/** What matters of a license as the API shows it, in words, with moments as days since the story began. */
export function standing(license: any, shop: Partial<Shop> = {}): string {
  const { state, reason, graceEndsAt, cancelsAt, stripePriceId } = license.billing;
  const until = license.expiresAt === null ? 'for good' : `until ${day(license.expiresAt)}`;
  const price = worthSaying.find((name) => shop[name] === stripePriceId);
  const words = [license.status, state, reason, until, price && `of ${price}`].filter(Boolean).join(' ');
  const seats = license.maxMachinesOverride ?? license.maxMachines;
  const more = [graceEndsAt && `grace until ${day(graceEndsAt)}`, cancelsAt && `canceled on ${day(cancelsAt)}`, seats !== null && `${seats} machines`];
  return [words, ...more].filter(Boolean).join(', ');
}

function day(moment: string): string {
  return `day ${Math.round((new Date(moment).getTime() - START.getTime()) / DAY_MS)}`;
}
