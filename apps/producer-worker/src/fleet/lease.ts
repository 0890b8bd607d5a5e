// A short lease in Redis by which one process of the fleet does an act that one doer is enough for. It is no lock: two
// may hold it for a moment (a process that stood still), so what is done under it has to be harmless twice.
import type { Redis } from 'ioredis';

/** What an attempt to hold a lease gave. `freeInMs`: when it ends if its holder does nothing more. */
export type Hold = { readonly isHeld: true } | { readonly isHeld: false; readonly freeInMs: number };

/** A lease on one act. */
export interface Lease {
  /** Takes or renews the lease, if no other process holds it. Rejects with what Redis answered. */
  hold(): Promise<Hold>;
  /** Lets it go, if it is ours, so that another process need not wait for its end. */
  release(): Promise<void>;
}

// Renewal by the holder's name in one step: a lease that ran out meanwhile may be another's. The first write is a delete,
// be it of nothing: Redis lets a script pass at maxmemory if it begins with one, and the fleet's acts drain a full Redis.
const holdScript = `
local holder = redis.call('GET', KEYS[1])
if not holder then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return -1
end
if holder ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 then return left end
  -- Somebody took its end away: it would be held for ever.
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return -1`;

const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** Creates a lease; `holder` is unique over the fleet. It lasts `ttlMs` after each `hold`. */
export const createLease = (
  redis: Pick<Redis, 'eval' | 'status'>,
  options: { readonly key: string; readonly holder: string; readonly ttlMs: number },
): Lease => ({
  hold: async () => {
    const left = Number(await redis.eval(holdScript, 1, options.key, options.holder, options.ttlMs));
    return left < 0 ? { isHeld: true } : { isHeld: false, freeInMs: left };
  },
  release: async () => {
    // Without a connection the command would wait for one; the lease ends by itself.
    if (redis.status !== 'ready') return;
    await redis.eval(releaseScript, 1, options.key, options.holder);
  },
});
