// Where a poll begins. A pass is one run over all pages of a source for one tick; it may take several runs of its job
// (out of budget, 429, no room, handed back, killed) and may outlive its poll (a page could not be fetched). Its position
// is stored page by page together with its tick, so that what was cut off goes on instead of beginning anew.

/** One run over all pages of a source for one tick, or the rest of one. */
export interface Pass {
  /** The tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  /** As the source itself gave it; null = before the first page. */
  readonly position: unknown;
  /** Records that this pass has stored so far. */
  readonly records: number;
}

/** An earlier tick's pass is gone on with for two periods, and for at least this long, in milliseconds. */
const keptAtLeastMs = 10 * 60_000;

/** Reads what was stored; null if it is nothing of ours. */
export const readPass = (stored: unknown): Pass | null => {
  if (typeof stored !== 'object' || stored === null) return null;
  if (!('scheduledFor' in stored) || typeof stored.scheduledFor !== 'number') return null;
  const position = 'position' in stored ? stored.position : null;
  const records = 'records' in stored && typeof stored.records === 'number' ? stored.records : 0;
  return { scheduledFor: stored.scheduledFor, position, records };
};

/** What decides where a poll begins. */
export interface PassContext {
  /** The poll's own tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  readonly periodMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The passes of one poll, in order: the rest of an earlier tick's pass, if it was cut off not long ago, then its own.
 * The own one is always there, so a stored position never keeps a source from its first pages.
 */
export const choosePasses = (
  stored: unknown,
  { scheduledFor, periodMs, now }: PassContext,
): { readonly earlier: Pass | null; readonly own: Pass } => {
  const pass = readPass(stored);
  if (pass?.scheduledFor === scheduledFor) return { earlier: null, own: pass };
  const own: Pass = { scheduledFor, position: null, records: 0 };
  if (pass === null || pass.position === null) return { earlier: null, own };
  const isRecent = now - pass.scheduledFor <= Math.max(2 * periodMs, keptAtLeastMs);
  return { earlier: isRecent ? pass : null, own };
};
