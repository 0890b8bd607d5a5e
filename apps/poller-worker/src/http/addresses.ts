// Which addresses are the public Internet's, and which lead into somebody's own network: the question behind a redirect,
// which never leads from a public address to a private one. What is in doubt counts as private.
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Whether an address is reached over the public Internet. */
export type AddressKind = 'public' | 'private';

/** IPv4 ranges that are not public: IANA's special-purpose registry (RFC 6890 and what followed). */
const special4: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8], // "this host"; Linux connects to the loopback
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT, also the inner addresses of some clouds
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local: the metadata services of clouds
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, given up
  ['192.168.0.0', 16],
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and the broadcast address
];

/** Of IPv6 only 2000::/3 is given out as public; of it these parts are not. */
const special6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23], // Teredo, benchmarks, ORCHID and the like
  ['2001:db8::', 32], // documentation
  ['3fff::', 20], // documentation
];

const listOf = (networks: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, family);
  return list;
};

const private4 = listOf(special4, 'ipv4');
const public6 = listOf([['2000::', 3]], 'ipv6');
const private6 = listOf(special6, 'ipv6');

/** A host as it stands in a URL, without the brackets of IPv6. */
export const bareHost = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** What an address is; a text that is no address is private. A zone (`fe80::1%eth0`) makes an address a local one. */
export const kindOfAddress = (address: string): AddressKind => {
  const bare = bareHost(address);
  if (isIPv4(bare)) return private4.check(bare, 'ipv4') ? 'private' : 'public';
  if (!isIPv6(bare) || bare.includes('%')) return 'private';
  const inside = embedded4(bare);
  if (inside !== null) return kindOfAddress(inside);
  return public6.check(bare, 'ipv6') && !private6.check(bare, 'ipv6') ? 'public' : 'private';
};

/**
 * The IPv4 address that an IPv6 one stands for, and that packets to it reach in the end: mapped (::ffff:0:0/96), compatible
 * (::/96), translated (64:ff9b::/96) or 6to4 (2002::/16). Null for any other.
 */
const embedded4 = (address: string): string | null => {
  const groups = groupsOf(address);
  const starts = (...prefix: readonly number[]): boolean => prefix.every((group, at) => groups[at] === group);
  if (starts(0, 0, 0, 0, 0, 0xffff) || starts(0x64, 0xff9b, 0, 0, 0, 0)) return dotted(groups[6], groups[7]);
  // ::1 and :: are no IPv4 addresses: their first bytes make them private ones all the same.
  if (starts(0, 0, 0, 0, 0, 0)) return dotted(groups[6], groups[7]);
  return starts(0x2002) ? dotted(groups[1], groups[2]) : null;
};

const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');

/** The eight groups of an IPv6 address, which URL writes in one form. */
const groupsOf = (address: string): readonly number[] => {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [left = '', right] = canonical.split('::');
  const numbers = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [head, tail] = [numbers(left), numbers(right ?? '')];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
};

/**
 * What can be said of a host without asking DNS, which is all there is where a proxy connects: an address, or a name that
 * by its form lives in somebody's own network (RFC 6761, RFC 8375, names without a dot). Any other name counts as public.
 */
export const kindOfHost = (hostname: string, kindOf: (address: string) => AddressKind = kindOfAddress): AddressKind => {
  const name = bareHost(hostname.toLowerCase()).replace(/\.$/, '');
  if (isIPv4(name) || isIPv6(name)) return kindOf(name);
  const isLocal = !name.includes('.') || /\.(localhost|local|internal|intranet|lan|home\.arpa)$/.test(name);
  return isLocal ? 'private' : 'public';
};
