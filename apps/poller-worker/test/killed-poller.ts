// A poller that stands still before one of its commands to Redis, where the test kills it.
// Run by killed-poller.int.test.ts: node killed-poller.ts OPTIONS (JSON). Says on its standard output that it has got there.
import { configSchema } from '@stream-manager/shared/config/schema';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { createFacts } from '@stream-manager/shared/ops/facts';
import { createHealth } from '@stream-manager/shared/ops/health';
import { createInstance } from '@stream-manager/shared/ops/heartbeat';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { composePoller } from '../src/compose.ts';
import { twoPages } from './paged-script.ts';

export interface KilledPollerOptions {
  /** Of the test, as JSON that the config is read from. */
  readonly config: unknown;
  /** The command that is not sent: its name, and how its key ends. */
  readonly standsBefore: { readonly commands: readonly string[]; readonly key: string };
}

// Written by the test as exactly this.
const { config: given, standsBefore } = JSON.parse(process.argv[2] ?? '') as KilledPollerOptions;
const config = configSchema.parse(given);
const logger = createLogger({ role: 'test', instance: 'killed', level: 'silent' });
const redis = createRedis(config.redis.url, { name: 'killed', logger });
await redis.connect();

const send = redis.sendCommand.bind(redis);
redis.sendCommand = (command, stream) => {
  const isIt =
    standsBefore.commands.includes(command.name.toLowerCase()) &&
    command.args.some((argument) => String(argument).endsWith(standsBefore.key));
  if (!isIt) return send(command, stream);
  process.stdout.write('stands\n');
  return new Promise(() => {});
};

await composePoller(
  {
    config,
    retired: new Map(),
    configVersion: 'test',
    env: {},
    instance: createInstance('poller-worker', '0.0.0'),
    logger,
    metrics: createMetrics(),
    health: createHealth(),
    redisMemory: { high: async () => null, took: () => {}, stop: () => {} },
    facts: createFacts(),
    redis,
  },
  () => () => ({ poll: twoPages, parseRow: ({ raw }) => ({ raw, reason: 'unreadable', message: 'no record' }) }),
).start(new AbortController().signal);
