import { describe, expect, test } from '@jest/globals';
import { isPublicAddress } from '../../src/public-address.ts';

describe('an address that leads nowhere but to the public internet', () => {
  test.each(['93.184.215.14', '8.8.8.8', '1.1.1.1', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '223.255.255.255', '2606:2800:220:1:248:1893:25c8:1946', '2a00:1450::1', '2a00:1450::5efe:1', '2a00:1450:1:2:3:5efe:7f00:1'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('any other is not', () => {
  test.each([
    '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '168.63.129.16', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1',
    '192.88.99.1', '192.168.0.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  ])('IPv4 %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    ['unspecified', '::'], ['loopback', '::1'], ['loopback, in full', '0:0:0:0:0:0:0:1'], ['link-local', 'fe80::1'], ['link-local with a zone', 'fe80::1%eth0'], ['public with a zone', '2606:2800::1%eth0'], ['site-local', 'fec0::1'], ['unique local', 'fc00::1'], ['unique local', 'fd12:3456::1'],
    ['multicast', 'ff02::1'], ['mapped', '::ffff:127.0.0.1'], ['mapped, in hex', '::ffff:7f00:1'], ['mapped, of a public one', '::ffff:8.8.8.8'], ['compatible', '::127.0.0.1'], ['compatible, in hex', '::a00:1'], ['translated', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1'], ['NAT64, local', '64:ff9b:1::a00:1'], ['ISATAP', '2a00:1450::5efe:7f00:1'], ['ISATAP, local bit', '2606:4700:1:2:200:5efe:10.0.0.1'], ['ISATAP of zeros', '2606:4700:1:2:0:5efe::'], ['6to4', '2002:7f00:1::1'], ['Teredo', '2001:0:53aa:64c::1'], ['documentation', '2001:db8::1'], ['documentation', '3fff::1'], ['discard', '100::1'], ['reserved', '4000::1'], ['segment routing', '5f00::1'],
  ])('IPv6, %s: %s', (_kind, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['', 'localhost', 'example.com', '127.1', '0x7f.0.0.1', '2130706433', '1.2.3.4.5', '[::1]', '8.8.8.8 '])('what is no address: %j', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });
});
