// The commands of this tool, in the order in which the overview shows them.
import type { Command } from './command.ts';
import { deadLetters, deadLettersUsage } from './dead-letters/command.ts';
import { createLettersApi } from './dead-letters/letters-api.ts';
import type { LetterCommand } from './dead-letters/options.ts';
import { lag, lagUsage, readLagOptions } from './lag.ts';
import { parseOptions } from './parse-options.ts';
import { configTestUsage, sourcesInitUsage, sourcesTestUsage } from './sources/usage.ts';
import { status, statusUsage } from './status.ts';
import { UsageError } from './usage-error.ts';

const letterCommand = (word: LetterCommand, takes: string | undefined, summary: string): Command => ({
  name: `dead-letters ${word}`,
  ...(takes === undefined ? {} : { takes }),
  summary,
  usage: deadLettersUsage,
  run: (args, context) => deadLetters(async () => createLettersApi(await context.findApi()), [word, ...args], context),
});

/** The table. */
export const commands: readonly Command[] = [
  {
    name: 'status',
    summary: 'every stream and every process, once',
    usage: statusUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, { json: { type: 'boolean', default: false } });
      if (positionals.length > 0) throw new UsageError(`status takes no ${positionals.join(' ')}`);
      context.out(await status(await context.findApi(), values));
      return 0;
    },
  },
  {
    name: 'lag',
    takes: '[SOURCE]',
    summary: 'consumer groups, their lag and its trend; what the throttle does, and why',
    usage: lagUsage,
    run: async (args, context) => {
      const options = readLagOptions(args);
      context.out(await lag(await context.findApi(), { ...options, width: context.width }));
      return 0;
    },
  },
  letterCommand('list', undefined, 'what could not be published, and why'),
  letterCommand('show', 'ID', 'one letter in full'),
  letterCommand('replay', '…', 'sends letters again'),
  letterCommand('discard', '…', 'removes letters for good'),
  {
    name: 'sources test',
    takes: 'SOURCE',
    summary: 'polls a source once, touching no queue, and shows what would become of its rows',
    usage: sourcesTestUsage,
    run: async (args, context) => (await import('./sources/test.ts')).testSource(args, context),
  },
  {
    name: 'sources init',
    takes: 'TYPE',
    summary: 'a commented config of one source to start from',
    usage: sourcesInitUsage,
    run: async (args, context) => {
      context.out((await import('./sources/init.ts')).initSource(args));
      return 0;
    },
  },
  {
    name: 'config test',
    takes: '[SOURCE …]',
    summary: 'checks the config, and what sources make of the answers that were saved beside it',
    usage: configTestUsage,
    run: async (args, context) => (await import('./config/test.ts')).testConfig(args, context),
  },
];
