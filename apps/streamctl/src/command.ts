// What a command of this tool is, and how one is found by the words of the command line.
import { nearestKey } from '@stream-manager/shared/config/nearest-key';
import type { CommandContext } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** One command: an entry of the table in commands.ts. */
export interface Command {
  /** Its words: `sources cursor show`. */
  readonly name: string;
  /** What follows them, for the overview: `SOURCE`. */
  readonly takes?: string;
  /** What it does, for the overview. */
  readonly summary: string;
  /** All of it: printed by `--help`, and after wrong use. */
  readonly usage: string;
  /** Gives the exit code. Throws `UsageError`, or an error whose message is a sentence for people. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** What the words of the command line mean. */
export type Found =
  | { readonly kind: 'command'; readonly command: Command; readonly args: readonly string[] }
  /** Help is wanted: of one command, of those that begin alike, or of all. */
  | { readonly kind: 'help'; readonly commands: readonly Command[] };

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h' || word === 'help';

const startsWith = (command: Command, words: readonly string[]): boolean =>
  `${command.name} `.startsWith(`${words.join(' ')} `);

/** Finds the command: the one whose name has most of the first words. Throws `UsageError` with the nearest names. Pure. */
export const findCommand = (commands: readonly Command[], words: readonly string[]): Found => {
  if (isHelp(words[0])) return { kind: 'help', commands };
  for (let count = Math.min(3, words.length); count > 0; count -= 1) {
    const name = words.slice(0, count).join(' ');
    const args = words.slice(count);
    const group = commands.filter((command) => startsWith(command, words.slice(0, count)));
    const command = group.find((one) => one.name === name);
    if (isHelp(args[0]) && (group.length > 1 || (group.length > 0 && command === undefined)))
      return { kind: 'help', commands: group };
    if (command !== undefined)
      return args.includes('--help') || args.includes('-h')
        ? { kind: 'help', commands: [command] }
        : { kind: 'command', command, args };
    if (group.length > 0) throw unknownIn(name, args[0], group);
  }
  throw unknownIn('', words[0], commands);
};

const unknownIn = (group: string, word: string | undefined, commands: readonly Command[]): UsageError => {
  const help = group === '' ? null : helpOf(commands);
  const next = [...new Set(commands.map(({ name }) => name.slice(group.length).trim().split(' ')[0] ?? ''))];
  if (word === undefined)
    return new UsageError(`name a command${group === '' ? '' : ` after ${group}`}: ${next.join(', ')}`, help);
  const near = nearestKey(word, next);
  const unknown = group === '' ? `there is no command "${word}"` : `${group} has no command "${word}"`;
  return new UsageError(
    `${unknown}; ${near === undefined ? `there ${next.length === 1 ? 'is' : 'are'} ${next.join(', ')}` : `did you mean ${near}?`}`,
    help,
  );
};

/** A line per command. Pure. */
export const commandLines = (commands: readonly Command[]): string => {
  const heads = commands.map(({ name, takes }) => (takes === undefined ? name : `${name} ${takes}`));
  const width = Math.max(...heads.map((head) => head.length));
  return commands.map(({ summary }, index) => `  ${(heads[index] ?? '').padEnd(width)}  ${summary}\n`).join('');
};

/** The help of commands: the usage that they share, else a line each. Pure. */
export const helpOf = (commands: readonly Command[]): string => {
  const usages = new Set(commands.map(({ usage }) => usage));
  const [only] = usages;
  return usages.size === 1 && only !== undefined
    ? only
    : `npm run streamctl -- <command>\n${commandLines(commands)}\nEach has a --help of its own.\n`;
};
