// A poller worker as a process of its own, which a test kills, or which kills itself at an instant that no signal from
// outside would hit: `message` when the nth message arrives, `acknowledge` when the nth is about to be acknowledged, with
// its record in Redis. Prints `started` when it runs.
//   worker-child.ts <config file> [message|acknowledge <n>]
import { startProcess } from '@stream-manager/shared/ops/start-process';
import { composePoller } from '../../../src/compose.ts';
import { type OpenLink, openMqttLink } from '../../../src/intake/mqtt/link.ts';
import { createSourceRegistry } from '../../../src/sources/registry.ts';

const [configPath = '', at, nth] = process.argv.slice(2);
let left = Number(nth ?? Number.POSITIVE_INFINITY);
const count = (what: string): void => {
  if (what !== at) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
};

const openLink: OpenLink = async (options) => {
  const link = await openMqttLink({
    ...options,
    onMessage: (delivery) => {
      count('message');
      return options.onMessage(delivery);
    },
  });
  return {
    ...link,
    acknowledge: (packetId) => {
      count('acknowledge');
      link.acknowledge(packetId);
    },
  };
};

const running = await startProcess({
  role: 'poller-worker',
  compose: (context) => composePoller(context, createSourceRegistry(context), { openLink }),
  env: { ...process.env, LOG_LEVEL: process.env['TEST_LOG'] ?? 'warn' },
  cwd: process.cwd(),
  configPath,
  secrets: 'required',
  defaultPort: 0,
  signal: new AbortController().signal,
});
process.stdout.write(`started ${running.url}\n`);
process.once('SIGTERM', () => void running.stop().then(() => process.exit(0)));
