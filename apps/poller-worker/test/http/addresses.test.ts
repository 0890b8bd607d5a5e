import { describe, expect, it } from 'vitest';
import { kindOfAddress, kindOfHost } from '../../src/http/addresses.ts';

describe('kindOfAddress', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '223.255.255.255',
    '2600:1f18::1',
    '2a00:1450:4001:80b::200e',
    '[2a00:1450:4001:80b::200e]',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
  ])('%s is public', (address) => {
    expect(kindOfAddress(address)).toBe('public');
  });

  it.each([
    { address: '0.0.0.0', why: 'this host' },
    { address: '0.1.2.3', why: 'this network' },
    { address: '10.0.0.1', why: 'private' },
    { address: '10.255.255.255', why: 'private' },
    { address: '100.64.0.0', why: 'carrier-grade NAT' },
    { address: '100.127.255.255', why: 'carrier-grade NAT' },
    { address: '127.0.0.1', why: 'loopback' },
    { address: '127.255.255.255', why: 'loopback' },
    { address: '169.254.169.254', why: 'link-local: the metadata of a cloud' },
    { address: '172.16.0.0', why: 'private' },
    { address: '172.31.255.255', why: 'private' },
    { address: '192.0.0.1', why: 'special' },
    { address: '192.168.1.1', why: 'private' },
    { address: '198.18.0.1', why: 'benchmarks' },
    { address: '203.0.113.1', why: 'documentation' },
    { address: '224.0.0.1', why: 'multicast' },
    { address: '255.255.255.255', why: 'broadcast' },
    { address: '::', why: 'this host' },
    { address: '::1', why: 'loopback' },
    { address: '[::1]', why: 'loopback' },
    { address: '0:0:0:0:0:0:0:1', why: 'loopback, at length' },
    { address: 'fc00::1', why: 'unique local' },
    { address: 'fdff:ffff::1', why: 'unique local' },
    { address: 'fe80::1', why: 'link-local' },
    { address: 'fe80::1%eth0', why: 'link-local with a zone' },
    { address: 'fec0::1', why: 'site-local, given up' },
    { address: 'ff02::1', why: 'multicast' },
    { address: '2001:db8::1', why: 'documentation' },
    { address: '2001::1', why: 'Teredo' },
    { address: '::ffff:127.0.0.1', why: 'mapped loopback' },
    { address: '::ffff:7f00:1', why: 'mapped loopback in hexadecimals' },
    { address: '0:0:0:0:0:ffff:a00:1', why: 'mapped private, at length' },
    { address: '::ffff:169.254.169.254', why: 'mapped link-local' },
    { address: '::127.0.0.1', why: 'compatible loopback' },
    { address: '64:ff9b::10.0.0.1', why: 'translated private' },
    { address: '2002:7f00:1::', why: '6to4 of the loopback' },
    { address: '2002:a00:1::1', why: '6to4 of a private one' },
    { address: '', why: 'no address' },
    { address: 'example.org', why: 'no address' },
    { address: '8.8.8', why: 'no address' },
    { address: '8.8.8.8.8', why: 'no address' },
  ])('$address is private ($why)', ({ address }) => {
    expect(kindOfAddress(address)).toBe('private');
  });
});

describe('kindOfHost', () => {
  it.each([
    { host: 'api.example.org', kind: 'public' },
    { host: 'api.example.org.', kind: 'public' },
    { host: '8.8.8.8', kind: 'public' },
    { host: '[2600::1]', kind: 'public' },
    { host: '127.0.0.1', kind: 'private' },
    { host: '[::1]', kind: 'private' },
    { host: 'localhost', kind: 'private' },
    { host: 'LOCALHOST.', kind: 'private' },
    { host: 'a.localhost', kind: 'private' },
    { host: 'intranet', kind: 'private' },
    { host: 'printer.local', kind: 'private' },
    { host: 'metadata.google.internal', kind: 'private' },
    { host: 'nas.home.arpa', kind: 'private' },
  ])('$host is $kind as far as its name says', ({ host, kind }) => {
    expect(kindOfHost(host)).toBe(kind);
  });
});
