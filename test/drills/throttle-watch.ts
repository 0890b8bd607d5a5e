// What the throttle does about one source, watched from outside while a drill runs: every decision in Redis, what the API
// shows of it, why its polls wait, and how many records its queue ever held.
import { setTimeout as pause } from 'node:timers/promises';
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { openQueue, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import type { ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import type { Ground } from './ground.ts';

/** One sample's decision. */
export interface SeenDecision extends ThrottleDecision {
  /** Number of the sample. */
  readonly sample: number;
  /** Its time by Redis' clock, epoch milliseconds. */
  readonly sampledAt: number;
}

/** What the API showed of a source. */
interface SeenStream {
  readonly at: number;
  readonly stream: StreamAnswer;
}

export interface ThrottleWatch {
  /** Every sample once, oldest first. */
  readonly decisions: readonly SeenDecision[];
  readonly shown: readonly SeenStream[];
  /** Poll jobs seen delayed, by the cause that stands in their data. */
  readonly delayedJobs: ReadonlyMap<string, number>;
  /** Most records of the source in its queue at once: waiting, delayed and held. */
  readonly mostQueued: () => number;
  readonly stop: () => Promise<void>;
}

const redisIntervalMs = 40;
const apiIntervalMs = 150;

/** Watches until it is stopped. A look that is refused is left out. */
export const watchThrottle = (ground: Ground, sourceId: string): ThrottleWatch => {
  const { redis, keyPrefix } = ground;
  const store = createRedisChunkStore({ redis, keyPrefix });
  const polls = openQueue(pollQueueAddress(keyPrefix), redis, () => {});
  const stopping = new AbortController();
  const decisions: SeenDecision[] = [];
  const shown: SeenStream[] = [];
  const delayedJobs = new Map<string, number>();
  let most = 0;

  const lookAtRedis = async (): Promise<void> => {
    const [counts, [sample, at, decision]] = await Promise.all([
      store.counts([sourceId]),
      redis.hmget(sourceKeys(keyPrefix, sourceId).throttle, 'sample', 'at', 'decision'),
    ]);
    most = Math.max(most, counts.get(sourceId)?.total ?? 0);
    if (!sample || !at || !decision || decisions.at(-1)?.sample === Number(sample)) return;
    // Written by a step of the throttle.
    decisions.push({ ...(JSON.parse(decision) as ThrottleDecision), sample: Number(sample), sampledAt: Number(at) });
  };
  const lookAtJobs = async (): Promise<void> => {
    for (const { name, data } of await polls.getDelayed()) {
      if (name !== 'poll' || data.sourceId !== sourceId) continue;
      const by = String(data.delayed?.by ?? 'nothing');
      delayedJobs.set(by, (delayedJobs.get(by) ?? 0) + 1);
    }
  };
  const lookAtApi = async (): Promise<void> => {
    const stream = (await ground.streams()).find(({ id }) => id === sourceId);
    if (stream !== undefined) shown.push({ at: Date.now(), stream });
  };
  const repeat = async (look: () => Promise<void>, intervalMs: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      // A server that is busy is looked at again.
      await look().catch(() => {});
      await pause(intervalMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const watching = [
    repeat(lookAtRedis, redisIntervalMs),
    repeat(lookAtJobs, redisIntervalMs),
    repeat(lookAtApi, apiIntervalMs),
  ];
  return {
    decisions,
    shown,
    delayedJobs,
    mostQueued: () => most,
    stop: async () => {
      stopping.abort();
      await Promise.all(watching);
      await polls.close();
    },
  };
};

/** The longest time between two samples, in milliseconds; of samples that were not seen, evenly. Pure. */
export const longestGapMs = (decisions: readonly Pick<SeenDecision, 'sample' | 'sampledAt'>[]): number =>
  decisions.reduce((longest, { sample, sampledAt }, index) => {
    const before = decisions[index - 1];
    if (before === undefined) return longest;
    return Math.max(longest, (sampledAt - before.sampledAt) / Math.max(1, sample - before.sample));
  }, 0);
