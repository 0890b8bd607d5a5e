// Where a poll begins. A pass is one run over all pages of a source for one tick; it may take several runs of its job
// (out of budget, 429, no room, handed back, killed) and may outlive its poll (a page could not be fetched). Where it stands is
// stored page by page, together with its tick and the time it asks for, so that what was cut off goes on instead of beginning anew.
import type { ModePass } from '@stream-manager/shared/extensions/mode';
import { sinceLastPass } from './modes/since-last-pass.ts';
import { nothingSeen, type PassSeen, readSeen } from './pass-seen.ts';
import type { PollWindow } from './sources/source.ts';

/** One run over all pages of a source for one tick, or the rest of one. */
export interface Pass {
  /** The tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  /** As the source itself gave it; null = before the first page. */
  readonly position: unknown;
  /** Records that this pass has stored so far. */
  readonly records: number;
  /** What it asks for, from its first page to its last. */
  readonly window: PollWindow;
  /** A slice of a backfill: it asks for the past. */
  readonly isBackfill: boolean;
  /** The version of the source's cursor when it began; 0 in a backfill, which has none. */
  readonly cursorVersion: number;
  /** `PolledSource.request` when it began: its position is one in the answers to that, and to nothing else. */
  readonly request: string;
  readonly seen: PassSeen;
}

/** A pass before its first page. */
export const beginPass = (
  pass: Pick<Pass, 'scheduledFor' | 'window'> & Partial<Pick<Pass, 'isBackfill' | 'cursorVersion' | 'request'>>,
): Pass => ({
  isBackfill: false,
  cursorVersion: 0,
  request: '',
  position: null,
  records: 0,
  seen: nothingSeen,
  ...pass,
});

/** An earlier tick's pass is gone on with for two periods, and for at least this long, in milliseconds. */
const keptAtLeastMs = 10 * 60_000;

/** Reads what was stored; null if it is nothing of ours. */
export const readPass = (stored: unknown): Pass | null => {
  if (typeof stored !== 'object' || stored === null) return null;
  // Every field is looked at below.
  const fields = stored as Partial<Record<keyof Pass, unknown>>;
  const { scheduledFor, records, isBackfill, cursorVersion, request, position = null } = fields;
  const window = readWindow(fields.window);
  const seen = readSeen(fields.seen);
  if (typeof scheduledFor !== 'number' || typeof records !== 'number' || typeof cursorVersion !== 'number') return null;
  if (typeof isBackfill !== 'boolean' || typeof request !== 'string' || window === null || seen === null) return null;
  return { scheduledFor, position, records, window, isBackfill, cursorVersion, request, seen };
};

const readWindow = (stored: unknown): PollWindow | null => {
  if (typeof stored !== 'object' || stored === null || !('sinceMs' in stored) || !('untilMs' in stored)) return null;
  const { sinceMs, untilMs } = stored;
  if ((sinceMs !== null && typeof sinceMs !== 'number') || typeof untilMs !== 'number') return null;
  return { sinceMs, untilMs };
};

/** Gives the time that a pass asks for. */
export type WindowOf = (pass: Pick<ModePass, 'scheduledFor' | 'cursorUntilMs'>) => PollWindow;

/** What decides where a poll begins. */
export interface PassContext {
  /** The poll's own tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  readonly periodMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The time that the pass of a tick asks for, as the source's mode has it; default: all since the last finished pass. */
  readonly windowOf?: WindowOf;
  /** The source's cursor as it is now. */
  readonly cursor: { readonly untilMs: number | null; readonly version: number };
  /** `PolledSource.request`. Default: nothing in particular. */
  readonly request?: string;
}

/**
 * The passes of one poll, in order: the rest of an earlier tick's pass, if it was cut off not long ago, then its own.
 * The own one is always there, so a stored position never keeps a source from its first pages; it begins where the cursor is
 * when its turn comes. What was cut off before somebody else wrote the cursor, or when the source asked for something else, is
 * over: the cursor says where to go on. Throws what `windowOf` throws.
 */
export const choosePasses = (
  stored: unknown,
  { scheduledFor, periodMs, now, cursor, request = '', windowOf }: PassContext,
): { readonly earlier: Pass | null; readonly own: Pass } => {
  const pass = readPass(stored);
  const own = ownPass({ scheduledFor, cursor, request }, windowOf);
  if (pass === null || pass.cursorVersion !== cursor.version || pass.request !== request) return { earlier: null, own };
  if (pass.scheduledFor === scheduledFor) return { earlier: null, own: pass };
  if (pass.position === null) return { earlier: null, own };
  const isRecent = now - pass.scheduledFor <= Math.max(2 * periodMs, keptAtLeastMs);
  return { earlier: isRecent ? pass : null, own };
};

/** The pass of a tick, for the time that the source's mode asks for after where the last finished pass ended. */
export const ownPass = (
  { scheduledFor, cursor, request = '' }: Pick<PassContext, 'scheduledFor' | 'cursor' | 'request'>,
  windowOf: WindowOf = sinceLastPass,
): Pass =>
  beginPass({
    scheduledFor,
    window: windowOf({ scheduledFor, cursorUntilMs: cursor.untilMs }),
    cursorVersion: cursor.version,
    request,
  });
