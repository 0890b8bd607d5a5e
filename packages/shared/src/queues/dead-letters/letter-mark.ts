// What a replayed letter leaves among the seen ids of its source: that its replay is done. It is written after the
// record is admitted, or after the letter that takes its place was added, so a letter that was killed before it
// completed is neither replayed twice nor lost. The mark is of one life of the letter, not of its id: when the same revision of a
// record is refused or dropped again after its letter is gone, its new letter has the same id, and a replay to come.
import { createHash } from 'node:crypto';

/** An entry of the seen ids. */
export interface LetterMark {
  /** 16 bytes; never the id of a record. */
  readonly id: Buffer;
  /** 8 bytes. */
  readonly hash: Buffer;
}

/**
 * The mark of a letter: from its job id, and from when its job was added (BullMQ's `timestamp`, in milliseconds: a retry keeps
 * it, and so does whoever adds the letter once more while it lies there).
 */
export const letterMark = (letterJobId: string, addedAt: number): LetterMark => {
  const digest = createHash('sha256').update(`${letterJobId}:${addedAt}`).digest();
  return { id: digest.subarray(0, 16), hash: digest.subarray(16, 24) };
};

/** The job id of the letter that takes the place of one which was replayed in vain. Pure. */
export const nextLetterId = (letterJobId: string, replays: number): string =>
  `${letterJobId.replace(/-\d+$/, '')}-${replays + 1}`;
