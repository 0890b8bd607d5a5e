// Under which address others reach the HTTP server of this process: it stands in the heartbeat.
import { networkInterfaces } from 'node:os';

const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** Whether an address is that of the machine itself, and means nothing elsewhere. Pure. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address);

/** The address of a server that listens on `host`: itself; of one that listens everywhere, the first that other machines know. */
export const reachableAddress = (host: string, interfaces = networkInterfaces()): string => {
  if (!isAny(host)) return host;
  const outward = Object.values(interfaces).flatMap((all) => (all ?? []).filter(({ internal }) => !internal));
  const isUsable = ({ family, address }: (typeof outward)[number]): boolean =>
    family === 'IPv4' || (host === '::' && !address.startsWith('fe80'));
  const found = outward.find((one) => one.family === 'IPv4') ?? outward.find(isUsable);
  return found?.address ?? '127.0.0.1';
};
