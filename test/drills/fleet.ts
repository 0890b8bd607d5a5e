// The processes of one drill: two pollers, two producers, a scheduler. Each has a place; what stands in it is killed,
// stopped and started again, and every log is kept to be searched at the end.
import { join } from 'node:path';
import { launch, type Role, type SystemProcess } from '../e2e/launch.ts';

export const places = ['poller-1', 'poller-2', 'producer-1', 'producer-2', 'scheduler'] as const;
/** One of the five, or one more poller. */
export type Place = (typeof places)[number] | `poller-${number}`;

export type Env = Readonly<Record<string, string>>;

export interface Fleet {
  /** Starts a process in the place; does not wait for it. Throws when one runs there. */
  readonly start: (place: Place, env?: Env) => SystemProcess;
  /** Starts all and waits until they have started. */
  readonly startAll: (env?: (place: Place) => Env) => Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: (place: Place) => Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  readonly stop: (place: Place) => Promise<number | null>;
  readonly at: (place: Place) => SystemProcess;
  /** Sends all of them the signal and resolves with how long the last took and what each exited with. */
  readonly stopAll: (
    signal: 'SIGTERM' | 'SIGINT',
  ) => Promise<{ readonly tookMs: number; readonly codes: readonly (number | null)[] }>;
  /** Whatever no drill may show: processes that ended without being asked, errors that nobody expected. */
  readonly problems: () => Promise<readonly string[]>;
  readonly killAll: () => Promise<void>;
}

const roleOf = (place: Place): Role =>
  place === 'scheduler' ? 'scheduler' : place.startsWith('poller') ? 'poller-worker' : 'producer-worker';

/** Marks in a log that must not be there: pino's fatal level, and what Node prints by itself. */
const neverSeen =
  /"level":60|unhandledRejection|UnhandledPromiseRejection|uncaughtException|unexpected error|Uncaught /;

export const createFleet = (options: { readonly directory: string; readonly env: Env }): Fleet => {
  const current = new Map<Place, SystemProcess>();
  const all: { readonly place: Place; readonly process: SystemProcess }[] = [];
  const asked = new Set<SystemProcess>();

  const at = (place: Place): SystemProcess => {
    const found = current.get(place);
    if (found === undefined) throw new Error(`nothing was started as ${place}`);
    return found;
  };
  const start = (place: Place, env: Env = {}): SystemProcess => {
    if (current.get(place)?.ended() === null) throw new Error(`${place} runs already`);
    const process = launch({
      role: roleOf(place),
      logFile: join(options.directory, `${place}-${all.length}.log`),
      cwd: options.directory,
      env: { ...options.env, ...env },
    });
    current.set(place, process);
    all.push({ place, process });
    return process;
  };

  const killAtExit = (): void => {
    for (const { process } of all) process.signal('SIGKILL');
  };
  // Else an interrupted run would leave them working on servers that are gone.
  process.once('exit', killAtExit);

  return {
    at,
    start,
    startAll: async (env = () => ({})) => {
      await Promise.all(places.map((place) => start(place, env(place)).url()));
    },
    kill: async (place) => {
      asked.add(at(place));
      await at(place).end('SIGKILL');
    },
    stop: async (place) => {
      asked.add(at(place));
      return at(place).end('SIGTERM');
    },
    stopAll: async (signal) => {
      const running = places.map(at);
      for (const process of running) asked.add(process);
      const startedAt = performance.now();
      const codes = await Promise.all(running.map((process) => process.end(signal)));
      return { tookMs: performance.now() - startedAt, codes };
    },
    problems: async () => {
      const found: string[] = [];
      for (const [index, { place, process }] of all.entries()) {
        const name = `${place}-${index}`;
        const end = process.ended();
        if (end !== null && !asked.has(process)) found.push(`${name} ended by itself with ${end.code ?? end.signal}`);
        const line = (await process.log()).split('\n').find((entry) => neverSeen.test(entry));
        if (line !== undefined) found.push(`${name} logged ${line.slice(0, 400)}`);
      }
      return found;
    },
    killAll: async () => {
      for (const { process } of all) asked.add(process);
      await Promise.all(all.map(({ process }) => process.end('SIGKILL')));
      process.off('exit', killAtExit);
    },
  };
};
