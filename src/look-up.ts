import { Resolver } from 'node:dns/promises';

/** The addresses of a host name; throws where it has none. */
export type Resolve = (hostname: string) => Promise<{ address: string; family: number }[]>;

/** How long a name server may take, and how often it is asked. */
const usual = { timeout: 2_000, tries: 2 };

/**
 * Asks the name servers themselves, `servers` or those of the system. The system's own look-up takes one of a few threads for as long as it lasts: with names whose
 * servers never answer somebody could keep everybody else's look-ups waiting.
 */
export function createResolve(servers?: string[], patience = usual): Resolve {
  const resolver = new Resolver(patience);
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = [...found(four, 4), ...found(six, 6)];
    if (addresses.length === 0) throw new Error(`${hostname} has no address${four.status === 'rejected' ? `: ${String(four.reason)}` : ''}`);
    return addresses;
  };
}

function found(asked: PromiseSettledResult<string[]>, family: 4 | 6): { address: string; family: number }[] {
  return asked.status === 'fulfilled' ? asked.value.map((address) => ({ address, family })) : [];
}
