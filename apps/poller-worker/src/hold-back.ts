// What keeps a source from being polled at all: a fetch would cost the provider's quota and bring what nobody can take.
// The poll is delayed without an attempt and holds no worker; it looks again by itself, so that polling goes on when
// Redis has drained, or when somebody has replayed or discarded dead letters.
import { type LetterStocks, lettersFull } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import type { PolledSource } from './polled-sources.ts';

/** Why a source is not polled, and in how many milliseconds it looks again. */
export interface HeldBack {
  readonly reason: string;
  readonly waitMs: number;
}

/** Looking again costs one round trip and nothing at the provider: a source with a long period need not wait for all of it. */
const memoryWaitMs = 10_000;
const lettersWaitMs = 60_000;

/** Creates the look that a poll takes before its fetch. */
export const createHoldBack =
  (deps: {
    readonly memory: Pick<RedisMemory, 'high'>;
    readonly stocks: Pick<LetterStocks, 'read'>;
  }): ((source: PolledSource) => Promise<HeldBack | null>) =>
  async ({ config: { id, periodMs }, admission }) => {
    const high = await deps.memory.high();
    if (high !== null) return { reason: high, waitMs: Math.min(periodMs, memoryWaitMs) };
    const stock = (await deps.stocks.read([id])).get(id);
    const full = stock === undefined ? null : lettersFull(stock, admission.letters);
    return full === null ? null : { reason: full, waitMs: Math.min(periodMs, lettersWaitMs) };
  };
