// Replays or discards letters, a batch at a time. Each is for itself: one that cannot be replayed is told of, and the others
// go on. A replay is BullMQ's own retry of the failed job, as a press of Retry in Bull Board is; the producers do the rest.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { FailedLetters } from '@stream-manager/shared/queues/dead-letters/failed-letters';
import { type Retry, retryLetter } from '@stream-manager/shared/queues/dead-letters/retry-letter';
import type { Queue } from 'bullmq';
import { inTime } from '../in-time.ts';
import type { LetterPlace } from './letter-order.ts';

/** What can be done to letters. */
export const letterActs = ['replay', 'discard'] as const;
export type LetterAct = (typeof letterActs)[number];

/** A letter to which an act could not be done, and why. `source` null: no source has it. */
export interface FailedAct {
  readonly id: string;
  readonly source: string | null;
  readonly error: string;
}

/** What the acts work on. */
export interface ActDeps {
  readonly queue: (source: string) => Queue;
  readonly letters: Pick<FailedLetters, 'remove'>;
  /** Called for letters that were discarded. */
  readonly onDiscarded: (source: string, letters: number) => void;
}

const notFailed = 'it is not failed any more: it was replayed, discarded or has expired meanwhile';

const retryErrors = {
  retried: null,
  no_data: 'its job has lost its data: discard it',
  not_failed: notFailed,
} as const satisfies Record<Retry, string | null>;

/** Of each letter null, or why it was not replayed. */
const replay = ({ queue }: ActDeps, source: string, ids: readonly string[]): Promise<readonly (string | null)[]> => {
  const retries = ids.map(async (id) => {
    try {
      return retryErrors[await retryLetter(queue(source), id)];
    } catch (error) {
      return messageOf(error);
    }
  });
  return inTime(Promise.all(retries));
};

/** Of each letter null, or why it was not discarded. */
const discard = async (deps: ActDeps, source: string, ids: readonly string[]): Promise<readonly (string | null)[]> => {
  const removed = await inTime(deps.letters.remove(source, ids));
  deps.onDiscarded(source, removed.filter(Boolean).length);
  return removed.map((isGone) => (isGone ? null : notFailed));
};

/** Acts on letters of any sources; gives those it could not be done to. Rejects when Redis does not answer. */
export const actOnLetters = async (
  deps: ActDeps,
  act: LetterAct,
  places: readonly LetterPlace[],
): Promise<readonly FailedAct[]> => {
  const failed: FailedAct[] = [];
  for (const [source, group] of Map.groupBy(places, (place) => place.source)) {
    const ids = group.map(({ id }) => id);
    const errors = await (act === 'replay' ? replay(deps, source, ids) : discard(deps, source, ids));
    for (const [index, id] of ids.entries()) {
      const error = errors[index] ?? null;
      if (error !== null) failed.push({ id, source, error });
    }
  }
  return failed;
};
