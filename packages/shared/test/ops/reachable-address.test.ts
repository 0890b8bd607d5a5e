import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isLoopback, reachableAddress } from '../../src/ops/reachable-address.ts';

const four = (address: string, internal = false): NetworkInterfaceInfo => ({
  address,
  internal,
  family: 'IPv4',
  netmask: '255.255.255.0',
  mac: '00:00:00:00:00:00',
  cidr: null,
});
const six = (address: string): NetworkInterfaceInfo => ({ ...four(address), family: 'IPv6', scopeid: 0 });

const loopback = { lo: [four('127.0.0.1', true)] };

describe('the address under which a process is reached', () => {
  it.each([
    { name: 'the one it listens on', host: '10.1.1.1', interfaces: { eth0: [four('10.0.0.7')] }, is: '10.1.1.1' },
    {
      name: 'that of the machine',
      host: '0.0.0.0',
      interfaces: { ...loopback, eth0: [six('fd00::7'), four('10.0.0.7')] },
      is: '10.0.0.7',
    },
    {
      name: 'one of IPv6 that is no link-local one',
      host: '::',
      interfaces: { eth0: [six('fe80::1'), six('fd00::7')] },
      is: 'fd00::7',
    },
    { name: 'no IPv6 for a server of IPv4', host: '0.0.0.0', interfaces: { eth0: [six('fd00::7')] }, is: '127.0.0.1' },
    { name: 'the loopback of a machine without a network', host: '::', interfaces: loopback, is: '127.0.0.1' },
  ])('is $name', ({ host, interfaces, is }) => {
    expect(reachableAddress(host, interfaces)).toBe(is);
  });

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('knows that %s means nothing elsewhere', (address) => {
    expect(isLoopback(address)).toBe(true);
    expect(isLoopback(`1${address}`)).toBe(false);
  });
});
