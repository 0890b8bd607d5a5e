// How many more dead letters a source may have. Up to the limit letters are added, so that a source at its limit is at it
// exactly and is shown as such; what finds no room is neither a letter nor remembered, and comes again with its answer.
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import {
  type LetterLimits,
  type LetterStock,
  lettersFull,
} from '@stream-manager/shared/queues/dead-letters/letter-stock';

/**
 * How many of the letters fit, from the first, and why no more do (null: all fit). The last one may go over the limit of
 * bytes: it is what reaches it. Pure.
 */
export const lettersThatFit = (
  letters: readonly DeadLetter[],
  stock: LetterStock,
  limits: LetterLimits,
): { readonly fitting: number; readonly reason: string | null } => {
  let { letters: lying, bytes } = stock;
  for (const [at, letter] of letters.entries()) {
    const reason = lettersFull({ letters: lying, bytes }, limits);
    if (reason !== null) return { fitting: at, reason };
    lying += 1;
    bytes += Buffer.byteLength(JSON.stringify(letter.data));
  }
  return { fitting: letters.length, reason: null };
};
