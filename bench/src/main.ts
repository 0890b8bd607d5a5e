// `npm run bench`: the whole line (HTTP answer → parse → Redis → Kafka) against the Kafka client alone with the same
// records, in turn, on the same real Redis and Kafka. Absolute figures belong to the machine; the ratio is the result.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openQueue, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { startStack } from '@stream-manager/testkit/stack/stack';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { renderAnswer, startAnswerServer } from './answers.ts';
import { sendAlone } from './client-alone.ts';
import { type BenchOptions, parseOptions, usage } from './options.ts';
import { readBack } from './read-back.ts';
import { answersKeptMs, startSystem } from './system.ts';
import { measureTopicResolution } from './topic-resolution.ts';

const partitions = 4;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
};
const perSecond = (records: number, seconds: number): string => Math.round(records / seconds).toLocaleString('en');

const run = async (options: BenchOptions): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'stream-manager-bench-stack-'));
  const cleanups: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const stack = await startStack({ dataDir: directory, say });
    cleanups.push(() => stack.stop());
    const answers = await startAnswerServer();
    cleanups.push(() => answers.close());
    const kafka = new Kafka({ clientId: 'bench', brokers: [...stack.kafkaBrokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    cleanups.push(() => admin.disconnect());
    const keyPrefix = `bench-${randomUUID().slice(0, 8)}`;
    const redis = new Redis(stack.redisUrl, { maxRetriesPerRequest: null });
    cleanups.push(async () => redis.disconnect());
    const poll = openQueue(pollQueueAddress(keyPrefix), redis, () => {});
    cleanups.push(() => poll.close());

    const perSource = Math.ceil(options.records / options.sources);
    const total = perSource * options.sources;
    const sources = Array.from({ length: options.sources }, (_unused, index) => ({
      id: `bench-${index}`,
      topic: `${keyPrefix}-${index}`,
      mapKey: `key-${index}`,
    }));
    const topics = sources.map(({ topic }) => topic);
    const make = (names: readonly string[]): Promise<boolean> =>
      admin.createTopics({
        topics: names.map((topic) => ({ topic, numPartitions: partitions, replicationFactor: 1 })),
        waitForLeaders: true,
      });
    await make(topics);
    const stored = async (): Promise<number> => {
      const offsets = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)));
      return offsets.flat().reduce((sum, { high }) => sum + Number(high), 0);
    };
    const system = await startSystem({
      redisUrl: stack.redisUrl,
      kafkaBrokers: stack.kafkaBrokers,
      providerUrl: answers.url,
      keyPrefix,
      sources,
      compression: options.compression,
      maxRecords: Math.max(10_000, perSource * 2),
    });
    cleanups.push(() => system.stop());

    /** One round of the whole line; gives the seconds from asking for the polls until the last record is in Kafka. */
    const wholeLine = async (round: number, rows: number): Promise<number> => {
      for (const [index, { mapKey }] of sources.entries()) answers.set(mapKey, renderAnswer(round, index, rows));
      const target = (await stored()) + rows * sources.length;
      // The answers of the round before would be given again.
      await pause(2 * answersKeptMs);
      const started = performance.now();
      for (const { id } of sources)
        await poll.add(
          'poll',
          { sourceId: id, scheduledFor: Date.now() },
          { priority: 2, deduplication: { id }, removeOnComplete: true },
        );
      await waitUntil('every record to be in Kafka', async () => (await stored()) >= target, {
        timeoutMs: 300_000,
        intervalMs: 20,
      });
      return (performance.now() - started) / 1000;
    };

    say(
      `\n${total.toLocaleString('en')} records per round, ${options.sources} sources, ${partitions} partitions each, compression ${options.compression}, kafkajs, acks all`,
    );
    await wholeLine(0, 2_000);
    const line: number[] = [];
    const alone: number[] = [];
    const cpu = new Map<string, number>();
    let sent = 2_000 * sources.length;
    for (let round = 1; round <= options.rounds; round++) {
      const before = await system.cpuSeconds();
      const lineSeconds = await wholeLine(round, perSource);
      for (const [role, seconds] of await system.cpuSeconds())
        cpu.set(role, (cpu.get(role) ?? 0) + seconds - (before.get(role) ?? 0));
      sent += total;
      const all = await readBack(stack.kafkaBrokers, topics, sent);
      const ids = new Set(all.map(({ headers }) => String(headers?.['record-id'])));
      if (all.length !== sent || ids.size !== sent)
        throw new Error(`${sent} records were due, ${all.length} stored, ${ids.size} different`);
      const aloneTopic = `${keyPrefix}-alone-${round}`;
      await make([aloneTopic]);
      if (round === 1) await sendAlone(stack.kafkaBrokers, aloneTopic, all.slice(0, 20_000), options.compression);
      const aloneSeconds = await sendAlone(stack.kafkaBrokers, aloneTopic, all.slice(-total), options.compression);
      line.push(lineSeconds);
      alone.push(aloneSeconds);
      say(
        `round ${round}: whole line ${perSecond(total, lineSeconds)}/s, client alone ${perSecond(total, aloneSeconds)}/s, ratio ${(aloneSeconds / lineSeconds).toFixed(2)}`,
      );
    }
    const ratio = median(line.map((seconds, index) => (alone[index] ?? Number.NaN) / seconds));
    say('\n| what | records/s (median) | ratio |');
    say('|---|---:|---:|');
    say(
      `| whole line: HTTP → Redis → Kafka, count verified | ${perSecond(total, median(line))} | ${ratio.toFixed(2)} |`,
    );
    say(`| client alone (stock kafkajs, same records) | ${perSecond(total, median(alone))} | 1.00 |`);
    for (const [role, seconds] of cpu)
      say(`CPU of ${role}: ${((seconds / (total * options.rounds)) * 1e6).toFixed(1)} µs per record`);
    say(`topic by content, 33 rules looked at, none met: ${measureTopicResolution().toFixed(2)} µs per record`);
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
};

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(usage);
  else await run(options);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
