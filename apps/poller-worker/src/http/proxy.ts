// Which proxy a request goes through, as Go's net/http takes it from the environment (golang.org/x/net/http/httpproxy):
// HTTP_PROXY for http, HTTPS_PROXY for https, in upper or lower case, without one standing in for the other; NO_PROXY lists
// what is asked directly. The loopback is never asked through a proxy.
import { BlockList, isIP, isIPv4 } from 'node:net';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { bareHost } from './addresses.ts';
import { portOf } from './target.ts';

/** The proxies of a process. */
export interface Proxies {
  /** The address of the proxy for a URL, user and password included; null: it is asked directly. */
  of(url: URL): string | null;
  /** What must be cut from errors and logs. */
  readonly secrets: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the proxies of an environment. Throws `config_invalid`, without the address, for one that cannot be used. */
export const proxiesOf = (env: Environment): Proxies => {
  const [http, https] = [proxyIn(env, 'HTTP_PROXY'), proxyIn(env, 'HTTPS_PROXY')];
  const bypasses = parseNoProxy(variable(env, 'NO_PROXY').value);
  return {
    of: (url) => {
      const proxy = url.protocol === 'https:' ? https : url.protocol === 'http:' ? http : null;
      return proxy === null || isAskedDirectly(url, bypasses) ? null : proxy.href;
    },
    secrets: [http, https].flatMap((proxy) => (proxy === null ? [] : secretsOf(proxy))),
  };
};

/** Go takes the upper-case name first. */
const variable = (env: Environment, name: string): { readonly name: string; readonly value: string } => {
  const lower = name.toLowerCase();
  return env[name] ? { name, value: env[name] } : { name: lower, value: env[lower] ?? '' };
};

const proxyIn = (env: Environment, wanted: string): URL | null => {
  const { name, value } = variable(env, wanted);
  const text = value.trim();
  if (text === '') return null;
  // `proxy:3128` is an address whose "scheme" is proxy: without a // it has none.
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' && isEncoded(url)) return url;
  throw new StreamManagerError(
    'config_invalid',
    `the environment variable ${name} is no address of a proxy that can be used: expected http://host:port or https://host:port (socks is not supported)`,
  );
};

/** A stray % in user or password cannot be sent as it is meant. */
const isEncoded = ({ username, password }: URL): boolean => !/%(?![0-9a-f]{2})/i.test(`${username} ${password}`);

const secretsOf = ({ username, password }: URL): readonly string[] => {
  if (password === '') return [];
  const [user, meant] = [decodeURIComponent(username), decodeURIComponent(password)];
  return [password, meant, Buffer.from(`${user}:${meant}`, 'utf8').toString('base64')];
};

/** What NO_PROXY lets through: everything, a network, or names and addresses, with a port or any. */
type Bypass = (host: string, port: string) => boolean;

/** Entries with commas between them: `*`, an address, a network, `name` (and what is below it), `.name` or `*.name` (only what is below it), each but networks with a port or without. */
export const parseNoProxy = (text: string): readonly Bypass[] =>
  text
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .map(bypassOf);

const bypassOf = (entry: string): Bypass => {
  if (entry === '*') return () => true;
  const network = /^\[?([0-9a-f.:]+)\]?\/(\d{1,3})$/.exec(entry);
  if (network !== null) return inNetwork(network[1] ?? '', Number(network[2]));

  const [, bracketed, inBrackets, plain, portOfPlain] = /^(?:\[([^\]]+)\](?::(\d+))?|([^:]+):(\d+))$/.exec(entry) ?? [];
  const port = inBrackets ?? portOfPlain;
  const name = bracketed ?? plain ?? entry;
  const fitsPort = (actual: string): boolean => port === undefined || port === actual;
  if (isIP(name) !== 0) return (host, actual) => fitsPort(actual) && sameAddress(host, name);
  const suffix = name.replace(/^\*/, '');
  return suffix.startsWith('.')
    ? (host, actual) => fitsPort(actual) && host.endsWith(suffix)
    : (host, actual) => fitsPort(actual) && (host === suffix || host.endsWith(`.${suffix}`));
};

const inNetwork = (address: string, bits: number): Bypass => {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  if (isIP(address) === 0 || bits > (family === 'ipv4' ? 32 : 128)) return () => false;
  const list = new BlockList();
  list.addSubnet(address, bits, family);
  return (host) => isIP(host) !== 0 && list.check(host, isIPv4(host) ? 'ipv4' : 'ipv6');
};

/** IPv6 addresses have several spellings. */
const sameAddress = (one: string, other: string): boolean => {
  if (isIP(one) !== isIP(other)) return false;
  const list = new BlockList();
  list.addAddress(one, isIPv4(one) ? 'ipv4' : 'ipv6');
  return list.check(other, isIPv4(other) ? 'ipv4' : 'ipv6');
};

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isAskedDirectly = (url: URL, bypasses: readonly Bypass[]): boolean => {
  const host = bareHost(url.hostname).replace(/\.$/, '');
  const port = portOf(url);
  if (host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, isIPv4(host) ? 'ipv4' : 'ipv6'))) return true;
  return bypasses.some((lets) => lets(host, port));
};
