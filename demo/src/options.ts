// The options of `npm start`.
import { parseArgs } from 'node:util';
import { parseDuration } from '@stream-manager/shared/config/durations';

/** What was asked for. */
export interface DemoOptions {
  /** The user's own config (real APIs), or null for the simulated providers. */
  readonly configPath: string | null;
  /** Stop by itself after this many milliseconds; null = run until Ctrl-C. */
  readonly forMs: number | null;
  readonly fresh: boolean;
  readonly open: boolean;
  /** Seed of the simulated providers; null = another one every run. */
  readonly seed: number | null;
}

export const usage = `npm start -- [options]
  --config FILE   your own config and the real APIs instead of the simulated providers
  --for 60s       stop after this time (ms, s, m, h), with a summary
  --fresh         forget the data of earlier runs
  --seed N        repeat the simulated providers of an earlier run
  --no-open       do not open the dashboard in a browser
  --help          this text
`;

/** Reads the arguments. Throws an Error with a readable message for anything unknown. */
export const parseOptions = (args: readonly string[]): DemoOptions | 'help' => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      for: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      seed: { type: 'string' },
      open: { type: 'boolean', default: true },
      help: { type: 'boolean', default: false },
    },
    allowNegative: true,
    strict: true,
  });
  if (values.help) return 'help';
  const forMs = values.for === undefined ? undefined : parseDuration(values.for);
  if (values.for !== undefined && forMs === undefined)
    throw new Error(`--for is "${values.for}": expected a number with a unit, such as 60s or 5m`);
  const seed = values.seed === undefined ? null : Number(values.seed);
  if (seed !== null && !Number.isSafeInteger(seed))
    throw new Error(`--seed is "${values.seed}": expected a whole number`);
  return { configPath: values.config ?? null, forMs: forMs ?? null, fresh: values.fresh, open: values.open, seed };
};
