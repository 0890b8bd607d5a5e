// Ports for the servers we start: the one used last time when it is free, else a free one. They lie below the range from
// which systems give ports to outgoing connections: there, a client that keeps trying to reach a killed server can be
// given the server's own port, connect to itself, and keep the server from coming back.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const lowest = 20_000;
/** Linux gives out 32768–60999, macOS 49152–65535. */
const highest = 31_999;

/**
 * The first of `preferred` that is free and not in `taken`, else random ones until one is. Pure but for its arguments:
 * `isFree` asks the system, `random` gives an integer from `lowest` to `highest`.
 */
export const pickPort = async (
  preferred: readonly number[],
  taken: ReadonlySet<number>,
  isFree: (port: number) => Promise<boolean>,
  random: () => number = () => randomInt(lowest, highest + 1),
): Promise<number> => {
  for (const port of preferred) if (!taken.has(port) && (await isFree(port))) return port;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = random();
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port found on 127.0.0.1 between ${lowest} and ${highest}`);
};

/** Whether nothing listens on the port of 127.0.0.1 and we may. */
export const isPortFree = async (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
