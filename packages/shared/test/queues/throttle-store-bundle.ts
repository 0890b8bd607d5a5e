// What every test of the throttle in Redis starts with: a store under a prefix of its own, and steps to write into it.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { throttlingSchema } from '../../src/config/sections/throttling.ts';
import { type SourceKeys, sourceKeys } from '../../src/queues/keys.ts';
import { createRedisThrottleStore } from '../../src/queues/redis-throttle-store.ts';
import type {
  SamplingState,
  SendLeave,
  SendRequest,
  ThrottleStep,
  ThrottleStore,
} from '../../src/queues/throttle-store.ts';
import { decide } from '../../src/throttle/decide.ts';
import type { ThrottleDecision, ThrottleState } from '../../src/throttle/decision.ts';

export interface ThrottleStoreBundle extends AsyncDisposable {
  readonly redis: Redis;
  readonly store: ThrottleStore;
  readonly keyPrefix: string;
  readonly sourceId: string;
  readonly keys: SourceKeys;
  /** Writes the step after the last one. */
  decide(changes?: StepChanges): Promise<void>;
  /** Asks for leave to send 100 records of class normal, at 10 to 1,000 records/s. */
  ask(changes?: Partial<SendRequest>): Promise<SendLeave>;
}

export interface StepChanges {
  readonly at?: number;
  readonly holdsMs?: number;
  readonly state?: Partial<ThrottleState>;
  readonly decision?: Partial<ThrottleDecision>;
}

export const never: SamplingState = { number: 0, state: null };

// As a first sample leaves it behind, so that nothing is missing that belongs to it.
const firstState = decide(
  null,
  { at: 1_777_636_700_000, lag: 5, group: 'readers', topic: 'fires', ends: { fires: 900 } },
  throttlingSchema.parse({}),
).state;

export const throttleState = (changes: Partial<ThrottleState> = {}): ThrottleState => ({
  ...firstState,
  level: 1,
  allowedRate: 44_444.444_444_444_445,
  lowSamples: 3,
  at: 1_777_636_800_000,
  ends: { fires: 1_000, 'alerts.v2': 0 },
  sliceMs: 1_000,
  slices: [
    { slot: 9, lagSum: 12, samples: 2, published: 0 },
    { slot: 10, lagSum: 0.1, samples: 1, published: 7 },
  ],
  ...changes,
});

export const throttleDecision = (changes: Partial<ThrottleDecision> = {}): ThrottleDecision => ({
  action: 'throttle_moderate',
  level: 1,
  delayMs: 1_500,
  allowedRate: 44_444.444_444_444_445,
  lag: 1_200,
  averageLag: 900.5,
  targetRecords: 1_000,
  criticalRecords: 5_000,
  trendPerSecond: -3.25,
  drainSeconds: null,
  reason: 'lag of group readers on fires is 1200, the target 1000',
  ...changes,
});

export const throttleStep = (from: SamplingState, changes: StepChanges = {}): ThrottleStep => ({
  from,
  state: throttleState({ ...(changes.at === undefined ? {} : { at: changes.at }), ...changes.state }),
  decision: throttleDecision(changes.decision),
  holdsMs: changes.holdsMs ?? 30_000,
  lag: {
    records: 1_200,
    group: 'readers',
    topic: 'fires',
    groups: [{ group: 'readers', topic: 'fires', records: 1_200, lostToRetention: 2 }],
    abandoned: ['old'],
  },
});

export const openThrottleStore = (url: string = inject('redisUrl')): ThrottleStoreBundle => {
  const redis = new Redis(url);
  const keyPrefix = `throttle-${randomUUID().slice(0, 8)}`;
  const sourceId = 'fires';
  const store = createRedisThrottleStore({ redis, keyPrefix });
  const keys = sourceKeys(keyPrefix, sourceId);
  return {
    redis,
    store,
    keyPrefix,
    sourceId,
    keys,
    decide: async (changes = {}) => {
      const from = (await store.load([sourceId])).get(sourceId) ?? never;
      const at = changes.at ?? (await store.now());
      const written = await store.step(new Map([[sourceId, throttleStep(from, { ...changes, at })]]));
      if (!written.has(sourceId)) throw new Error('somebody else has stepped');
    },
    ask: (changes = {}) =>
      store.askToSend(sourceId, { records: 100, priority: 3, asker: 'one', maxRate: 1_000, minRate: 10, ...changes }),
    [Symbol.asyncDispose]: async () => {
      const left = await redis.keys(`${keyPrefix}:*`);
      if (left.length > 0) await redis.unlink(left);
      redis.disconnect();
    },
  };
};
