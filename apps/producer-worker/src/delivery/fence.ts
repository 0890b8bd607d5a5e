// The fence before a send. A worker whose event loop or machine stood still may have lost the lock of a chunk without
// knowing: another worker then sends the chunk too. So a lock that was last known good more than half of its duration
// ago is extended first, and a chunk whose lock is gone is let go without a send (without this, 5 of 5 doubled (m)).

/** A lock, as its holder knows it. */
export interface HeldLock {
  readonly chunkId: string;
  readonly token: string;
  /** When it was last known good, in monotonic milliseconds; the time before the request, never after the answer. */
  lockedAt: number;
}

/** Extends many locks in one call; answers the ids of those that are not ours any more. */
export type ExtendLocks = (chunkIds: string[], tokens: string[], durationMs: number) => Promise<readonly string[]>;

/** Whether a lock has to be extended before what it covers is sent. Pure. */
export const needsExtension = (lockedAt: number, now: number, lockDurationMs: number): boolean =>
  now - lockedAt > lockDurationMs / 2;

/**
 * When a lock was taken, on the monotonic clock, from the job's `processedOn` (wall clock of this process). A clock that
 * was set back meanwhile cannot make it younger than now.
 */
export const lockTakenAt = (processedOn: number | undefined, wallNow: number, now: number): number =>
  now - Math.max(0, wallNow - (processedOn ?? wallNow));

/**
 * Makes sure of the locks before a send; answers those that are lost, whose chunks must not be sent. Locks known to be
 * good cost nothing, the others one call together; if that call fails, none of them is sure.
 */
export const passFence = async (
  locks: readonly HeldLock[],
  extend: ExtendLocks,
  options: { readonly lockDurationMs: number; readonly now: () => number },
): Promise<ReadonlySet<HeldLock>> => {
  const startedAt = options.now();
  const unsure = locks.filter((lock) => needsExtension(lock.lockedAt, startedAt, options.lockDurationMs));
  if (unsure.length === 0) return new Set();
  const ids = unsure.map((lock) => lock.chunkId);
  const tokens = unsure.map((lock) => lock.token);
  try {
    const refused = new Set(await extend(ids, tokens, options.lockDurationMs));
    const isLost = (lock: HeldLock): boolean => refused.has(lock.chunkId);
    for (const lock of unsure) if (!isLost(lock)) lock.lockedAt = startedAt;
    return new Set(unsure.filter(isLost));
  } catch {
    // Redis did not say: the chunks go back unsent, which costs a wait and never a double.
    return new Set(unsure);
  }
};
