// The options of `npm run bench`.
import { parseArgs } from 'node:util';

/** What is measured. */
export interface BenchOptions {
  /** Records per round. */
  readonly records: number;
  readonly rounds: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly sources: number;
}

export const usage = `npm run bench -- [options]
  --records N         records per round (default 200000)
  --rounds N          rounds of each, in turn; the table shows the median (default 3)
  --compression NAME  none, gzip or zstd, for both sides (default none)
  --sources N         how many sources the records are spread over (default 4)
`;

const wholeNumber = (name: string, text: string | undefined, fallback: number): number => {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} is "${text}": expected a whole number above 0`);
  return value;
};

/** Reads the arguments; throws an Error with a readable message. */
export const parseOptions = (args: readonly string[]): BenchOptions | 'help' => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      records: { type: 'string' },
      rounds: { type: 'string' },
      compression: { type: 'string', default: 'none' },
      sources: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { compression } = values;
  if (compression !== 'none' && compression !== 'gzip' && compression !== 'zstd')
    throw new Error(`--compression is "${compression}": expected none, gzip or zstd`);
  return {
    records: wholeNumber('records', values.records, 200_000),
    rounds: wholeNumber('rounds', values.rounds, 3),
    compression,
    sources: wholeNumber('sources', values.sources, 4),
  };
};
