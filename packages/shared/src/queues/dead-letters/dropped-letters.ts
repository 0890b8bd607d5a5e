// Makes dead letters of chunks that overflow dropped (queue.keepDropped). Letters first, then the chunk goes: killed between
// the two, the same letters are added again, which is nothing. What finds no room among the letters is lost for good and told;
// it never waits, because what was dropped must not hold up what comes. For the same reason these letters fill half of the
// limits at most (the share `half`): at the limit itself the source would stop polling.
import { createHash } from 'node:crypto';
import { hasBit } from '../../records/bitmap.ts';
import { decodePayload, isPayloadFault } from '../../records/payload.ts';
import type { DeadLetter } from '../dead-letters.ts';
import type { DroppedChunk, DroppedChunks } from '../dropped-chunks.ts';
import type { AddedLetters } from './add-fitting-letters.ts';
import { damagedLetterOf, letterOf } from './record-letter.ts';

/** Code of these letters, in the API, the metrics and `streamctl`; its meaning is in failures/errors.ts. */
const droppedCode = 'dropped';

export interface DroppedLettersDeps {
  readonly dropped: DroppedChunks;
  /** Why the source may get no more of these letters now; null: it may. Asked first, so that full letters cost next to nothing. */
  readonly lettersFull: (sourceId: string) => Promise<string | null>;
  /** Adds as many as there is room for in their share. */
  readonly addLetters: (sourceId: string, letters: readonly DeadLetter[]) => Promise<AddedLetters>;
}

/** What became of dropped records. */
export interface KeptDropped {
  /** Letters that lie there now. */
  readonly letters: number;
  /** Records that found no room there. */
  readonly lost: number;
  /** Why, as a sentence for operators; null: nothing was lost. */
  readonly full: string | null;
}

/** Why a record was dropped, as its letter says it. Pure. */
const dropReasonOf = ({ why, mode }: Pick<DroppedChunk, 'why' | 'mode'>): string =>
  why === 'evicted'
    ? `dropped for newer or more urgent records: the queue was full (queue.overflow: ${mode})`
    : `dropped when it came: the queue was full, and not enough in it could make room (queue.overflow: ${mode})`;

/** The letters of a dropped chunk; `newer`: its payload is of a later version, so it waits for a newer process. Pure. */
export const droppedLettersOf = (
  sourceId: string,
  dropped: DroppedChunk,
): { readonly letters: readonly DeadLetter[] } | { readonly newer: number } => {
  const { chunk } = dropped;
  const cause = {
    code: droppedCode,
    reason: dropReasonOf(dropped),
    topic: null,
    attempts: chunk.tries.attempts,
    droppedAt: new Date(dropped.droppedAt).toISOString(),
  };
  const decoded = decodePayload(chunk.payload);
  if (isPayloadFault(decoded)) {
    if (decoded.kind === 'newer') return { newer: decoded.version };
    const digest = createHash('sha256').update(chunk.payload).digest();
    return { letters: [damagedLetterOf(sourceId, chunk, digest, { ...cause, code: 'payload_damaged' })] };
  }
  const left = decoded.filter((record) => !hasBit(chunk.done, record.index));
  return { letters: left.map((record) => letterOf(sourceId, chunk, record, cause)) };
};

/**
 * Makes the letters of chunks that were set aside, and removes these; those that are gone are passed over, those of a later
 * version are left to newer processes. Rejects with what Redis answered; then it may be done again.
 */
export const keepDropped = async (
  deps: DroppedLettersDeps,
  sourceId: string,
  chunkIds: readonly string[],
): Promise<KeptDropped> => {
  let letters = 0;
  let lost = 0;
  let full: string | null = null;
  for (const chunkId of chunkIds) {
    const isFull = await deps.lettersFull(sourceId);
    if (isFull !== null) {
      full = isFull;
      lost += await deps.dropped.remove(sourceId, chunkId);
      continue;
    }
    const dropped = await deps.dropped.read(sourceId, chunkId);
    if (dropped === null) continue;
    const made = droppedLettersOf(sourceId, dropped);
    if ('newer' in made) {
      await deps.dropped.leave(sourceId, chunkId, made.newer);
      continue;
    }
    const added = await deps.addLetters(sourceId, made.letters);
    const lying = added.lie.filter((lies) => lies).length;
    letters += lying;
    lost += made.letters.length - lying;
    full = added.full ?? full;
    await deps.dropped.remove(sourceId, chunkId);
  }
  return { letters, lost, full };
};
