// The operator's tool: `npm run streamctl -- <command>`. Answers on standard output, notices on standard error.
// Exit codes: 0 done, 2 wrong use or unreachable API, 1 anything else.
import { findApiAccess } from './api-access.ts';
import { status } from './status.ts';

const usage = `npm run streamctl -- <command>
  status          every stream and every process, once
  status --json   the same as JSON

The API is found in this order: STREAM_API (with DASHBOARD_USER and DASHBOARD_PASSWORD), then what a running
\`npm start\` left in the data directory.
`;

const [command, ...args] = process.argv.slice(2);

const run = async (): Promise<number> => {
  if (command === undefined || command === 'help' || command === '--help') {
    process.stdout.write(usage);
    return command === undefined ? 2 : 0;
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
  process.exitCode = 2;
}
