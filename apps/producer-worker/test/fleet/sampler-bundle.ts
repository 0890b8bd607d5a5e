// What every test of the lag sampler starts with: a real Redis under a prefix of its own, a Kafka in memory with a topic
// per source, and samplers, each as a process has it.
import { randomUUID } from 'node:crypto';
import { type ThrottlingSettings, throttlingSchema } from '@stream-manager/shared/config/sections/throttling';
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import { createCommitWatch } from '@stream-manager/shared/lag/abandoned-groups';
import { createLagReader } from '@stream-manager/shared/lag/sample-lag';
import { type CommitMemory, createCommitMemory } from '@stream-manager/shared/queues/commit-memory';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import type { ThrottleStore } from '@stream-manager/shared/queues/throttle-store';
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { createMemoryKafka } from '@stream-manager/testkit/contracts/memory-kafka';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { inject } from 'vitest';
import { createLagSampler } from '../../src/fleet/lag-sampler.ts';
import { createSampleNotes } from '../../src/fleet/sample-notes.ts';
import { silent } from '../chunks.ts';

/** Small thresholds, so that a few records are a lag. */
export const smallThresholds: ThrottlingSettings = throttlingSchema.parse({
  targetConsumerLag: 10,
  criticalConsumerLag: 30,
});

/** A sampler with what it did. */
export interface SamplerUnderTest {
  readonly sample: (signal?: AbortSignal) => Promise<void>;
  /** Calls of the admin port, of the store (`load a,b`, `step a`) and of the memory, in order. */
  readonly calls: string[];
  /** Sample numbers that it wrote, by source. */
  readonly written: { readonly sourceId: string; readonly number: number }[];
  readonly lines: string[];
  /** Calls of the admin or the store that fail. */
  readonly failing: Set<string>;
}

export interface SamplerFleet extends AsyncDisposable {
  readonly kafka: ReturnType<typeof createMemoryKafka>;
  readonly redis: Redis;
  readonly keyPrefix: string;
  readonly store: ThrottleStore;
  readonly memory: CommitMemory;
  /** Adds records to a topic. */
  publish(topic: string, count: number): Promise<void>;
  /** `intervalMs` 0: no sample counts as just taken. `admin`: default the Kafka in memory. */
  sampler(options?: { readonly intervalMs?: number; readonly admin?: KafkaAdminPort }): SamplerUnderTest;
}

/** Opens a fleet; `topics` of each source, all of them made with one partition. */
export const openSamplerFleet = async (
  topicsOf: Readonly<Record<string, readonly string[]>> = { a: ['fires'] },
): Promise<SamplerFleet> => {
  const redis = createRedis(inject('redisUrl'), { name: 'sampler-test', logger: silent });
  const keyPrefix = `sampler-${randomUUID().slice(0, 8)}`;
  const kafka = createMemoryKafka();
  const admin = kafka.port.createAdmin();
  const producer = kafka.port.createProducer();
  for (const topic of new Set(Object.values(topicsOf).flat()))
    await admin.createTopics([{ topic, partitions: 1, replicationFactor: -1, config: {} }]);
  const store = createRedisThrottleStore({ redis, keyPrefix });
  const memory = createCommitMemory({ redis, keyPrefix });

  const sampler: SamplerFleet['sampler'] = ({ intervalMs = 0, admin: asked = admin } = {}) => {
    const calls: string[] = [];
    const written: SamplerUnderTest['written'][number][] = [];
    const lines: string[] = [];
    const failing = new Set<string>();
    const note = (call: string): void => {
      calls.push(call);
      if (failing.has(call)) throw new Error(`no ${call}`);
    };
    const watch = createCommitWatch();
    const notes = createSampleNotes({
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) }),
    });
    const act = createLagSampler(
      {
        reader: createLagReader({
          admin: {
            listGroups: async () => {
              note('groups');
              return asked.listGroups();
            },
            committedOffsets: async (group, topics) => {
              note(`commits ${group}`);
              return asked.committedOffsets(group, topics);
            },
            endOffsets: async (topic) => {
              note(`ends ${topic}`);
              return asked.endOffsets(topic);
            },
          },
          watch,
          noteUnasked: notes.unasked,
          now: Date.now,
        }),
        store: {
          ...store,
          load: async (ids) => {
            note(`load ${ids.join()}`);
            return store.load(ids);
          },
          step: async (steps) => {
            const done = await store.step(steps);
            for (const sourceId of done)
              written.push({ sourceId, number: (steps.get(sourceId)?.from.number ?? 0) + 1 });
            // The answer is lost, not the step.
            note(`step ${[...steps.keys()].join()}`);
            return done;
          },
        },
        watch,
        memory: {
          load: async () => {
            note('recall');
            return memory.load();
          },
          save: async (commits) => {
            note('keep');
            await memory.save(commits);
          },
        },
        notes,
      },
      {
        intervalMs,
        sources: Object.entries(topicsOf).map(([id, topics]) => ({
          id,
          topics,
          groups: 'auto' as const,
          settings: smallThresholds,
        })),
      },
    );
    return { sample: (signal = new AbortController().signal) => act(signal), calls, written, lines, failing };
  };

  return {
    kafka,
    redis,
    keyPrefix,
    store,
    memory,
    publish: async (topic, count) => {
      await producer.publish(Array.from({ length: count }, (_, n) => outgoingRecord(topic, n)));
    },
    sampler,
    [Symbol.asyncDispose]: async () => {
      const left = await redis.keys(`${keyPrefix}:*`);
      if (left.length > 0) await redis.unlink(left);
      redis.disconnect();
    },
  };
};
