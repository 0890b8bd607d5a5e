// A replayed record travels as a chunk of its own whose poll id says so: how often it was replayed, and whether it is a
// correction. The poll id is the only thing of a chunk that survives every crash and that the store leaves alone.

/** What a replay's poll id says. */
export interface ReplayMark {
  /** Which replay of the record this is, from 1. */
  readonly replays: number;
  /** The record was a correction when it became a dead letter: it is published with a `revision` again. */
  readonly isCorrection: boolean;
  /** Poll that brought the record. */
  readonly pollId: string;
}

const form = /^replay:(\d{1,9}):([cf]):(.*)$/s;

/** The poll id of a replay. */
export const formatReplay = (mark: ReplayMark): string =>
  `replay:${mark.replays}:${mark.isCorrection ? 'c' : 'f'}:${mark.pollId}`;

/** Reads a poll id; null for that of an ordinary poll. */
export const parseReplay = (pollId: string): ReplayMark | null => {
  // Nearly every chunk: no regular expression for it.
  if (!pollId.startsWith('replay:')) return null;
  const parts = form.exec(pollId);
  if (parts === null) return null;
  return { replays: Number(parts[1]), isCorrection: parts[2] === 'c', pollId: parts[3] ?? '' };
};
