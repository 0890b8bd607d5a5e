// The operator's tool: `npm run streamctl -- <command>`, or `./streamctl <command>`. Answers on standard output, notices on standard error.
// Exit codes: 0 done, 1 some of it failed, 2 refused, wrong use or unreachable API.
import { ConfigError } from '@stream-manager/shared/config/config-error';
import { formatConfigError } from '@stream-manager/shared/config/format-config-error';
import { commandLines, type Found, findCommand, helpOf } from './command.ts';
import { commands } from './commands.ts';
import { processContext } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run streamctl -- <command>, or ./streamctl <command> (which prints nothing but the answer)
${commandLines(commands)}
\`<command> --help\` has the options of each.

The API is found in this order: STREAM_API (with DASHBOARD_USER and DASHBOARD_PASSWORD), then what a running
\`npm start\` left in the data directory.
`;

const tell = (error: unknown, help: string): void => {
  if (error instanceof ConfigError) process.stderr.write(`${formatConfigError(error)}\n`);
  else process.stderr.write(`streamctl: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${error.help ?? help}`);
};

const run = async (words: readonly string[]): Promise<number> => {
  if (words.length === 0) {
    process.stdout.write(usage);
    return 2;
  }
  let help = usage;
  try {
    const found: Found = findCommand(commands, words);
    if (found.kind === 'help') {
      process.stdout.write(found.commands.length === commands.length ? usage : helpOf(found.commands));
      return 0;
    }
    help = found.command.usage;
    return await found.command.run(found.args, processContext());
  } catch (error) {
    tell(error, help);
    return 2;
  }
};

process.exitCode = await run(process.argv.slice(2));
