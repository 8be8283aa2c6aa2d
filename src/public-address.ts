import { BlockList, isIP } from 'node:net';

/** The address registries of IANA: what of IPv4 is not for the public, and the one eighth of IPv6 that is, with its own exceptions. 168.63.129.16 leads Azure's machines to their platform. */
const special = listOf([
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '168.63.129.16/32', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3',
  '2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20',
]);
const globalUnicast = listOf(['2000::/3']);

/**
 * Whether an IP address is one of the public internet. In IPv6 all that stands for an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is
 * none: nobody can tell from outside where it leads.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return !address.includes('%') && globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6') && !isIsatap(address);
    default:
      return false;
  }
}

/** ISATAP: in any network, the interface 0:5efe or 200:5efe and an IPv4 address. */
function isIsatap(address: string): boolean {
  const [head = [], tail = []] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::').map((half) => half.split(':').filter(Boolean));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return groups[5] === '5efe' && ['0', '200'].includes(groups[4] ?? '');
}

function listOf(subnets: string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', prefix] = subnet.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
