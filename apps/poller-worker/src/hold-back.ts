// What keeps a source from being polled now: a fetch would cost the provider's quota and bring what nobody can take, or
// what the consumers cannot take as fast. The poll is delayed without an attempt and holds no worker; it looks again by
// itself, so that polling goes on when Redis has drained, or when somebody has replayed or discarded dead letters.
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import type { ThrottleStore } from '@stream-manager/shared/queues/throttle-store';
import type { PolledSource } from './polled-sources.ts';
import { type HeldBack, mayBeThrottled, type ThrottledPoll, throttleDelay } from './throttle-gate.ts';

/** The look that a poll takes before its fetch; null = go on. Rejects with what Redis answered. */
export type HoldBack = (source: PolledSource, poll: ThrottledPoll) => Promise<HeldBack | null>;

/** Looking again costs one round trip and nothing at the provider: a source with a long period need not wait for all of it. */
const memoryWaitMs = 10_000;
const lettersWaitMs = 60_000;

/** Creates the look. `decisionHoldsMs`: how old a decision of the throttle may be, in milliseconds. */
export const createHoldBack =
  (
    deps: {
      readonly memory: Pick<RedisMemory, 'high'>;
      /** Why a source may get no more dead letters now; null: it may. */
      readonly lettersFull: (sourceId: string) => Promise<string | null>;
      readonly throttle: Pick<ThrottleStore, 'read'>;
    },
    options: { readonly decisionHoldsMs: number },
  ): HoldBack =>
  async (source, poll) => {
    const { id, periodMs } = source.config;
    const high = await deps.memory.high();
    if (high !== null) return { by: 'memory', reason: high, waitMs: Math.min(periodMs, memoryWaitMs) };
    // Asked side by side: one wait for Redis instead of two, for every poll.
    const [full, decisions] = await Promise.all([
      deps.lettersFull(id),
      mayBeThrottled(source, poll) ? deps.throttle.read([id]) : null,
    ]);
    if (full !== null) return { by: 'letters', reason: full, waitMs: Math.min(periodMs, lettersWaitMs) };
    return decisions === null ? null : throttleDelay(decisions.get(id), options.decisionHoldsMs);
  };
