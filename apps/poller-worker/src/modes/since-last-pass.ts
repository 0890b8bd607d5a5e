// The window of all built-in modes: from where the last finished pass ended to this pass' own tick. No stretch of time is
// ever left out: one that nobody could poll belongs to the next pass, however long it was. An own mode may bound it.
import type { ModePass, ModeWindow } from '@stream-manager/shared/extensions/mode';

/** A poll of an old tick (tried again by hand, or a clock that was put back) asks for nothing, and does not take the cursor back. */
export const sinceLastPass = ({
  scheduledFor,
  cursorUntilMs,
}: Pick<ModePass, 'scheduledFor' | 'cursorUntilMs'>): ModeWindow => ({
  sinceMs: cursorUntilMs,
  untilMs: Math.max(scheduledFor, cursorUntilMs ?? scheduledFor),
});
