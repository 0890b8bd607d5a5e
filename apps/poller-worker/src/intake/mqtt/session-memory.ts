// What the fleet keeps of the sessions of a source: which there are at the broker, and what each is subscribed to there. A
// broker does not tell, and a session whose subscriptions are not those of the config any more would go on getting messages.
import type { Redis } from 'ioredis';

/** The memory of one session. */
export interface SessionMemory {
  /** As they were made last; null: nothing is known. */
  subscriptions(): Promise<readonly string[] | null>;
  keepSubscriptions(filters: readonly string[]): Promise<void>;
  /** The session is not at the broker any more. */
  forget(): Promise<void>;
}

/** The memory of all sessions of a source, in the hash `key`: number → JSON list of subscriptions. */
export interface SessionMemories {
  of(session: number): SessionMemory;
  /** Sessions that may be at the broker. */
  known(): Promise<readonly number[]>;
}

/** Creates it. */
export const createSessionMemories = (redis: Redis, key: string): SessionMemories => ({
  of: (session) => ({
    subscriptions: async () => {
      const json = await redis.hget(key, String(session));
      // Written below.
      return json === null ? null : (JSON.parse(json) as readonly string[]);
    },
    keepSubscriptions: async (filters) => {
      await redis.hset(key, String(session), JSON.stringify(filters));
    },
    forget: async () => {
      await redis.hdel(key, String(session));
    },
  }),
  known: async () => (await redis.hkeys(key)).map(Number),
});
