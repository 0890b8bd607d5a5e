// What a message without a time of its own is known by. Its reading gets the time at which it was received first; so that
// it gets the same one when the broker delivers it again after a crash, that time is kept in Redis, under the packet id,
// before the reading is admitted, and forgotten before the PUBACK. A broker delivers again with the same packet id (MQTT
// 4.4). Killed in between, the reading has its old id and is known; killed after the mark is gone and before the PUBACK has
// left, it is a duplicate. The other way round a later message that happens to be equal could be taken for it: a loss.
import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** The marks of one session. */
export interface DeliveryMarks {
  /** Reads what an earlier holder of the session left. `isFresh`: the broker knows nothing of it, so nothing comes again. */
  load(isFresh: boolean): Promise<void>;
  /** The mark of a message: an old one if it is that message again, else `now`. */
  markOf(
    delivery: {
      readonly topic: string;
      readonly payload: Buffer;
      readonly packetId: number;
      readonly isAgain: boolean;
    },
    now: number,
  ): Mark;
  /** Keeps marks; resolves when Redis has them. */
  keep(marks: ReadonlyMap<number, string>): Promise<void>;
  /** Forgets marks; resolves when Redis has done so. */
  forget(packetIds: readonly number[]): Promise<void>;
}

/** When a message was received first, and the mark as it is kept. */
export interface Mark {
  readonly receivedAtMs: number;
  readonly text: string;
}

/** Creates the marks of a session in the hash `key`. */
export const createDeliveryMarks = (redis: Redis, key: string): DeliveryMarks => {
  const known = new Map<number, string>();
  return {
    load: async (isFresh) => {
      known.clear();
      if (isFresh) await redis.del(key);
      else for (const [id, text] of Object.entries(await redis.hgetall(key))) known.set(Number(id), text);
    },
    markOf: ({ topic, payload, packetId, isAgain }, now) => {
      const digest = hash('sha256', Buffer.concat([Buffer.from(`${topic}\0`), payload]), 'base64url').slice(0, 16);
      const text = isAgain ? known.get(packetId) : undefined;
      const [at, ofWhat] = text?.split(' ') ?? [];
      if (text !== undefined && ofWhat === digest) return { receivedAtMs: Number(at), text };
      return { receivedAtMs: now, text: `${now} ${digest}` };
    },
    keep: async (marks) => {
      const news = [...marks].filter(([id, text]) => known.get(id) !== text);
      if (news.length === 0) return;
      await redis.hset(key, Object.fromEntries(news));
      for (const [id, text] of news) known.set(id, text);
    },
    forget: async (packetIds) => {
      const old = packetIds.filter((id) => known.has(id));
      if (old.length === 0) return;
      await redis.hdel(key, ...old.map(String));
      for (const id of old) known.delete(id);
    },
  };
};
