// The operator's tool: `npm run streamctl -- <command>`. Answers on standard output, notices on standard error.
// Exit codes: 0 done, 1 some letters failed, 2 refused, wrong use or unreachable API.
import { findApiAccess } from './api-access.ts';
import { deadLetters, deadLettersUsage, processTerminal } from './dead-letters/command.ts';
import { createLettersApi } from './dead-letters/letters-api.ts';
import { lag, lagUsage, readLagOptions } from './lag.ts';
import { status } from './status.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run streamctl -- <command>
  status                    every stream and every process, once
  status --json             the same as JSON
  lag [SOURCE]              consumer groups, their lag and its trend; what the throttle does, and why
  lag --help                its options, and what its columns mean
  dead-letters list         what could not be published, and why
  dead-letters show ID      one letter in full
  dead-letters replay …     sends letters again
  dead-letters discard …    removes letters for good
  dead-letters --help       choices and options of these

The API is found in this order: STREAM_API (with DASHBOARD_USER and DASHBOARD_PASSWORD), then what a running
\`npm start\` left in the data directory.
`;

const [command, ...args] = process.argv.slice(2);

const run = async (): Promise<number> => {
  if (command === undefined || command === 'help' || command === '--help') {
    process.stdout.write(usage);
    return command === undefined ? 2 : 0;
  }
  if (command === 'dead-letters') {
    if (args.includes('--help') || args[0] === 'help') {
      process.stdout.write(deadLettersUsage);
      return 0;
    }
    const openApi = async () => createLettersApi(await findApiAccess(process.env));
    return deadLetters(openApi, args, processTerminal());
  }
  if (command === 'lag') {
    if (args.includes('--help')) {
      process.stdout.write(lagUsage);
      return 0;
    }
    const options = readLagOptions(args);
    // A terminal that does not know its width says 0.
    const width = process.stdout.isTTY ? process.stdout.columns || 120 : null;
    process.stdout.write(await lag(await findApiAccess(process.env), { ...options, width }));
    return 0;
  }
  if (command !== 'status' || args.some((arg) => arg !== '--json')) {
    process.stderr.write(`streamctl: unknown command "${[command, ...args].join(' ')}"\n\n${usage}`);
    return 2;
  }
  const access = await findApiAccess(process.env);
  process.stdout.write(await status(access, { json: args.includes('--json') }));
  return 0;
};

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`streamctl: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${command === 'lag' ? lagUsage : deadLettersUsage}`);
  process.exitCode = 2;
}
