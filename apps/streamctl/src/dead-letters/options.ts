// The options of `streamctl dead-letters`, from the words of the command line. What the letters are chosen by is checked by
// the API; what only this tool knows is checked here.
import { parseArgs } from 'node:util';
import { parseDuration } from '@stream-manager/shared/config/durations';
import { UsageError } from '../usage-error.ts';
import type { LetterSelection } from './letters-api.ts';

/** What the command line says. */
export interface LetterOptions {
  readonly selection: LetterSelection;
  readonly ids: readonly string[];
  readonly all: boolean;
  /** Most letters in all; null: none was given. */
  readonly limit: number | null;
  /** Letters a second; null: as fast as it goes. */
  readonly rate: number | null;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const wholeNumber = (name: string, text: string | undefined): number | null => {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${name}: expected a whole number from 1, not "${text}"`);
  return Number(text);
};

/** Options of each command; every one takes `--json`. */
const known = {
  list: ['source', 'code', 'since', 'limit'],
  show: ['source'],
  replay: ['source', 'code', 'since', 'limit', 'rate', 'all', 'dry-run'],
  discard: ['source', 'code', 'since', 'limit', 'rate', 'all', 'dry-run', 'yes'],
} as const;

export type LetterCommand = keyof typeof known;

/** The commands of `streamctl dead-letters`. */
export const letterCommands: readonly string[] = Object.keys(known);

/** Whether a word is a command. */
export const isLetterCommand = (word: string | undefined): word is LetterCommand =>
  word !== undefined && letterCommands.includes(word);

/** `2h` becomes the time two hours ago, so that it means the same in every call of an act. Anything else is the API's to read. */
const sinceOf = (text: string, now: number): string => {
  const ago = parseDuration(text);
  return ago === undefined ? text : new Date(now - ago).toISOString();
};

/** A letter's id that would be read as an option: one in 64 begins with a hyphen, as base64url has it. */
const hyphenId = /^-[A-Za-z0-9_-]{21}-[0-9a-f]{6}-\d{1,9}$/;

/** Reads the words after the command; `now` in milliseconds since the epoch. Throws `UsageError`. Pure. */
export const readLetterOptions = (command: LetterCommand, args: readonly string[], now: number): LetterOptions => {
  const parse = () => {
    try {
      return parseArgs({
        args: args.filter((arg) => !hyphenId.test(arg)),
        allowPositionals: command !== 'list',
        options: {
          source: { type: 'string' },
          code: { type: 'string' },
          since: { type: 'string' },
          limit: { type: 'string' },
          rate: { type: 'string' },
          all: { type: 'boolean' },
          'dry-run': { type: 'boolean' },
          yes: { type: 'boolean' },
          json: { type: 'boolean' },
        },
      });
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  };
  const { values, positionals } = parse();
  const allowed = new Set<string>([...known[command], 'json']);
  for (const name of Object.keys(values))
    if (!allowed.has(name)) throw new UsageError(`dead-letters ${command} has no --${name}`);
  const { source, code, since } = values;
  return {
    selection: {
      ...(source === undefined ? {} : { source }),
      ...(code === undefined ? {} : { code }),
      ...(since === undefined ? {} : { since: sinceOf(since, now) }),
    },
    ids: [...args.filter((arg) => hyphenId.test(arg)), ...positionals],
    all: values.all ?? false,
    limit: wholeNumber('limit', values.limit),
    rate: wholeNumber('rate', values.rate),
    dryRun: values['dry-run'] ?? false,
    yes: values.yes ?? false,
    json: values.json ?? false,
  };
};
