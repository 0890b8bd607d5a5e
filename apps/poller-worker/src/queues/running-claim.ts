// The claim `running:<sourceId>`: one poll of a source at a time, over the whole fleet. BullMQ's deduplication alone
// does not hold it (Retry of a failed poll in Bull Board does not restore the key), so every poll claims its source
// and one that finds it claimed is done. The value is the job's id: after a stall the same job takes its own claim over.

import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { fleetKeys } from '@stream-manager/shared/queues/keys';
import { luaScript, runScript } from '@stream-manager/shared/queues/script-runner';
import type { Redis } from 'ioredis';

/** A held claim. */
export interface Claim {
  /** Aborts when another poll holds the source: this one was cut off from Redis for too long. */
  readonly lost: AbortSignal;
  /** Lets the source go. Idempotent; leaves alone what another poll holds. */
  release(): Promise<void>;
  /** Stops renewing and leaves the claim to the run that has the job now. */
  abandon(): void;
}

/** Claims sources for polls. */
export interface RunningClaims {
  /** Null: another poll of the source is running. */
  take(sourceId: string, jobId: string): Promise<Claim | null>;
}

/** A run of a job that claims something. */
export interface ClaimingRun {
  readonly jobId: string;
  /** BullMQ gives the job to somebody else. */
  readonly lockLost: AbortSignal;
  /** It hangs: nobody waits for it. */
  readonly givenUp: AbortSignal;
}

/** Runs an act while the run's job holds the claim; `lost` aborts as `Claim.lost`. Null: another job holds it, and nothing was done. */
export const whileClaimed = async <T>(
  claims: RunningClaims,
  claimed: string,
  { jobId, lockLost, givenUp }: ClaimingRun,
  act: (lost: AbortSignal) => Promise<T>,
): Promise<T | null> => {
  const claim = await claims.take(claimed, jobId);
  if (claim === null) return null;
  // A run that hangs does not come to the end below: its claim must not be renewed for ever.
  givenUp.addEventListener('abort', () => claim.abandon(), { once: true });
  try {
    return await act(claim.lost);
  } finally {
    // Without the lock, the same job holds the claim somewhere else.
    await (lockLost.aborted || givenUp.aborted ? claim.abandon() : claim.release());
  }
};

/** A claim of a killed poller ends after this, in milliseconds; its own job is handed on in the same time. */
const expiryMs = 15_000;
const renewalMs = 5_000;

// KEYS: claim · ARGV: job id, expiry → 1 held, 0 another job's
const takeScript = luaScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`);

// KEYS: claim · ARGV: job id
const releaseScript = luaScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`);

/** Creates the claims of this process. */
export const createRunningClaims = (
  deps: { readonly redis: Redis; readonly logger: Logger },
  options: { readonly keyPrefix: string; readonly expiryMs?: number; readonly renewalMs?: number },
): RunningClaims => {
  const keys = fleetKeys(options.keyPrefix);
  const hold = async (sourceId: string, jobId: string): Promise<boolean> =>
    (await runScript(deps.redis, takeScript, [keys.running(sourceId)], [jobId, options.expiryMs ?? expiryMs])) === 1;

  return {
    take: async (sourceId, jobId) => {
      if (!(await hold(sourceId, jobId))) return null;
      const lost = new AbortController();
      let isRenewing = false;
      const renew = async (): Promise<void> => {
        // While Redis is away a renewal waits; a second one would only queue up behind it.
        if (isRenewing) return;
        isRenewing = true;
        try {
          if (!(await hold(sourceId, jobId))) lost.abort();
        } catch (error) {
          deps.logger.warn({ sourceId, error: messageOf(error) }, 'claim of a running poll not renewed');
        } finally {
          isRenewing = false;
        }
      };
      const timer = setInterval(() => void renew(), options.renewalMs ?? renewalMs);
      return {
        lost: lost.signal,
        release: async () => {
          clearInterval(timer);
          await runScript(deps.redis, releaseScript, [keys.running(sourceId)], [jobId]);
        },
        abandon: () => clearInterval(timer),
      };
    },
  };
};
