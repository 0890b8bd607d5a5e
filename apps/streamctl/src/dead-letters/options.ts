// The options of `streamctl dead-letters`, from the words of the command line. What the letters are chosen by is checked by
// the API; what only this tool knows is checked here.
import { parseArgs } from 'node:util';
import { apiTime } from '../api-time.ts';
import { wholeNumber } from '../parse-options.ts';
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

/** Options of each command; every one takes `--json`. */
const known = {
  list: ['source', 'code', 'since', 'limit'],
  show: ['source'],
  replay: ['source', 'code', 'since', 'limit', 'rate', 'all', 'dry-run'],
  discard: ['source', 'code', 'since', 'limit', 'rate', 'all', 'dry-run', 'yes'],
} as const;

/** The commands of `streamctl dead-letters`. */
export type LetterCommand = keyof typeof known;

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
      ...(since === undefined ? {} : { since: apiTime(since, now) }),
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
