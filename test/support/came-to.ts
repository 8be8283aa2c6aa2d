import type { TestService } from './service.ts';

/** What purchases came to, whoever is asked: emails, sorted, and the events that are not done or were given up. */
export type CameTo = { licenses: string[]; customers: string[]; mails: string[]; undone: number; failed: number };

/** One license, one customer and one key mail for each buyer, and every event done. */
export function oneEach(buyers: string[]): CameTo {
  const sorted = buyers.toSorted();
  return { licenses: sorted, customers: sorted, mails: sorted, undone: 0, failed: 0 };
}

/** `mails`: to whom, where they do not go to the service's own folder. */
export async function cameTo(tillkey: TestService, mails?: string[]): Promise<CameTo> {
  const em = tillkey.service.dependencies.database.em.fork();
  const emails = async (table: string) => (await em.execute<{ email: string }[]>(table)).map(({ email }) => email).toSorted();
  const [counted] = await em.execute<{ undone: string; failed: string }[]>(
    `select count(*) filter (where outcome is null) as undone, count(*) filter (where outcome = 'failed') as failed from stripe_events`);
  return {
    licenses: await emails('select c.email from licenses l left join customers c on c.id = l.customer_id'),
    customers: await emails('select email from customers'),
    mails: (mails ?? (await tillkey.mails()).map(({ to }) => to?.[0]?.address ?? '')).toSorted(),
    undone: Number(counted?.undone),
    failed: Number(counted?.failed),
  };
}
