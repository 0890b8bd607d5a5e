// Watches a backfill until it is over, with its progress on standard error. It runs on the server: whoever stops watching
// ends nothing.
import { messageOf } from '@stream-manager/shared/failures/errors';
import { ApiRefusal } from '@stream-manager/shared/ops/api-request';
import type { BackfillView } from '@stream-manager/shared/queues/backfills';
import type { OperatorApi } from '../operator-api.ts';
import type { Progress } from '../progress.ts';

export interface WatchDeps {
  readonly api: Pick<OperatorApi, 'backfills'>;
  readonly progress: Progress;
  readonly notice: (text: string) => void;
  /** Waits between two looks; an abort ends the wait. */
  readonly pause: () => Promise<void>;
  /** Aborts when the operator has seen enough. */
  readonly signal: AbortSignal;
}

/** Looks in a row that the API may miss: a scheduler that is started anew. */
const mostMisses = 30;

/** How it stands, in a few words. Pure. */
export const backfillWords = ({ doneUntil, records, state, delayed }: BackfillView): string => {
  const waits = delayed === null ? '' : `, waits: ${delayed.by.replace('_', ' ')}`;
  return `to ${doneUntil}, ${records} records${state === 'waiting' ? ', has not begun' : waits}`;
};

const isOver = ({ state }: BackfillView): boolean => ['finished', 'cancelled', 'failed'].includes(state);

/** Gives the backfill when it is over; null: the operator has seen enough. */
export const watchBackfill = async (
  deps: WatchDeps,
  sourceId: string,
  backfillId: string,
): Promise<BackfillView | null> => {
  let misses = 0;
  let told = '';
  try {
    while (!deps.signal.aborted) {
      try {
        const backfill = (await deps.api.backfills(sourceId)).find(({ id }) => id === backfillId);
        if (backfill === undefined) throw new ApiRefusal(404, `backfill ${backfillId} of ${sourceId} is gone`);
        misses = 0;
        deps.progress.update({ share: backfill.share, words: backfillWords(backfill) });
        if (isOver(backfill)) return backfill;
        const reason = backfill.delayed?.reason ?? '';
        if (reason !== told && reason !== '') {
          deps.progress.end();
          deps.notice(`waits: ${reason}\n`);
        }
        told = reason;
      } catch (error) {
        misses += 1;
        if (error instanceof ApiRefusal || misses > mostMisses) throw error;
        if (misses === 1) {
          deps.progress.end();
          deps.notice(`${messageOf(error)}; trying again\n`);
        }
      }
      await deps.pause();
    }
    return null;
  } finally {
    deps.progress.end();
  }
};
