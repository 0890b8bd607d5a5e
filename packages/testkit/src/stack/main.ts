// `npm run stack`: a Redis and a Kafka to work with by hand. Progress goes to standard error, the addresses to standard
// output, in a form that a shell takes. Runs until Ctrl-C or SIGTERM; `--fresh` forgets what earlier runs left.
//
// Environment: REDIS_URL, KAFKA_BROKERS (then nothing is started for that server), STREAM_STACK=docker|local|pypi (forces a
// way, see choose-ways.ts), STREAM_DATA_DIR, STREAM_CACHE_DIR (places.ts), STREAM_KAFKA_JVM (Kafka's flags, '-Xmx1g').
import { join } from 'node:path';
import { dataDirOf } from './places.ts';
import { startStack } from './stack.ts';
import { StackError } from './stack-error.ts';

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const stopping = new AbortController();
let firstSignalAt = 0;
const onSignal = (): void => {
  if (!stopping.signal.aborted) {
    firstSignalAt = performance.now();
    stopping.abort(new Error('asked to stop'));
  } else if (performance.now() - firstSignalAt > 1_000) process.exit(1); // sooner it is the same Ctrl-C, told twice by npm
};
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

try {
  const unknown = process.argv.slice(2).find((argument) => argument !== '--fresh');
  if (unknown !== undefined) throw new StackError('invalid', `unknown option ${unknown}; the one there is: --fresh`);
  const stack = await startStack({
    dataDir: join(dataDirOf(process.env), 'stack'),
    fresh: process.argv.includes('--fresh'),
    say,
    signal: stopping.signal,
  });
  process.stdout.write(`export REDIS_URL=${stack.redisUrl}\nexport KAFKA_BROKERS=${stack.kafkaBrokers.join(',')}\n`);
  say('running until Ctrl-C');
  // With containers nothing else keeps the process alive.
  const keepAlive = setInterval(() => {}, 60_000);
  if (!stopping.signal.aborted) {
    await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve, { once: true }));
  }
  clearInterval(keepAlive);
  say('stopping');
  await stack.stop();
  process.exit(0);
} catch (error) {
  if (stopping.signal.aborted) process.exit(0);
  say(`stack: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
