// The types of sources by name: which exist, and what they are polled with.
// Free of zod, so that any process may ask.

/** Every type that the config knows. */
export const sourceTypes = [
  'nasa-firms',
  'noaa-stations',
  'noaa-alerts',
  'noaa-forecasts',
  'purpleair',
  'airnow',
  'metar',
  'mqtt',
  'http',
  'push',
  'custom',
] as const;
export type SourceType = (typeof sourceTypes)[number];

/** Types whose records come by themselves: nothing is fetched for them. */
const pushedTypes: readonly string[] = ['mqtt', 'push'] satisfies readonly SourceType[];

/** Is the source asked for its records (unlike mqtt and push, whose records come by themselves)? */
export const isPolledType = (type: SourceType): boolean => !pushedTypes.includes(type);

/** Ways of polling a source that are built in; a source may name a module with one of the user's own instead. */
export const modes = ['batch', 'real-time', 'continuous'] as const;
export type Mode = (typeof modes)[number];

/** Is this one of the built-in modes, and not a module? */
export const isBuiltInMode = (mode: string): mode is Mode => modes.some((known) => known === mode);

/** Period of a source that names none, by its mode. */
export const defaultEveryMs: Readonly<Record<Mode, number>> = {
  batch: 3_600_000,
  'real-time': 30_000,
  continuous: 1_000,
};
