// The options of a command from its words, with wrong use told in our own words and the nearest option named.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestKey } from '@stream-manager/shared/config/nearest-key';
import { UsageError } from './usage-error.ts';

/** The options that a command has. */
export type OptionTable = NonNullable<ParseArgsConfig['options']>;

/** Reads words; other words than options are `positionals`. Throws `UsageError`. Pure. */
export const parseOptions = <T extends OptionTable>(args: readonly string[], options: T) => {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const unknown = /^Unknown option '(-[^']*)'/.exec(error.message)?.[1];
    if (unknown === undefined) throw new UsageError(error.message);
    const near = nearestKey(unknown.replace(/^-+/, ''), Object.keys(options));
    throw new UsageError(`there is no option ${unknown}${near === undefined ? '' : `; did you mean --${near}?`}`);
  }
};

/** The one source that a command is for. Throws `UsageError`. Pure. */
export const oneSource = (positionals: readonly string[]): string => {
  const [sourceId, ...others] = positionals;
  if (sourceId === undefined) throw new UsageError('name a source, by its id in the config');
  if (others.length > 0)
    throw new UsageError(`expected one source, not ${positionals.length}: ${positionals.join(', ')}`);
  return sourceId;
};

/** No other words than options. Throws `UsageError`. Pure. */
export const noWords = (command: string, positionals: readonly string[]): void => {
  if (positionals.length > 0) throw new UsageError(`${command} takes no ${positionals.join(' ')}`);
};

/** The number of an option `--name`; null: it was not given. Throws `UsageError`. Pure. */
export const wholeNumber = (name: string, text: string | undefined): number | null => {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${name}: expected a whole number from 1, not "${text}"`);
  return Number(text);
};
