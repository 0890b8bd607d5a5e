// How a letter with a raw row asks the pollers to parse it again, and keeps asking until that is done. Asked for are at most
// `rowsAtATime` rows of a source at a time: each is a second copy of its row in Redis, and nobody may be there to take it.
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ReparseJobData } from '../../jobs/payloads.ts';
import { fleetKeys } from '../keys.ts';
import { reparseJobId, requestReparse } from '../poll-queue.ts';
import { listOf, numberOf, runScript, textOf } from '../script-runner.ts';
import { askReparseScript } from '../scripts/ask-reparse.ts';

/**
 * What became of the asking. `asked`: the row lies in queue `poll`, for so many milliseconds by Redis' clock. `full`: too many
 * rows of the source lie there; ask again. `failed`: a poller could not take it (once; then it may be asked for anew).
 */
export type ReparseAnswer =
  | { readonly answer: 'asked'; readonly forMs: number }
  | { readonly answer: 'full' }
  | { readonly answer: 'failed'; readonly reason: string };

/** Rows of a source that lie in queue `poll` at a time; passed only by a worker that was frozen between count and add. */
export const rowsAtATime = 500;
/** Letters look every minute; what nobody looks at for an hour need not be counted any more, in milliseconds. */
const countedForMs = 3_600_000;

/** Makes the asking, on a shared connection and queue `poll`. Rejects with what Redis answered; asking again is nothing. */
export const createAskReparse = (
  deps: { readonly redis: Redis; readonly queue: Queue },
  options: { readonly keyPrefix: string },
): ((data: ReparseJobData) => Promise<ReparseAnswer>) => {
  const keys = fleetKeys(options.keyPrefix);
  return async (data) => {
    const { redis, queue } = deps;
    const jobId = reparseJobId(data.letterId);
    const jobPrefix = queue.toKey('');
    const reply = listOf(
      await runScript(
        redis,
        askReparseScript,
        [keys.reparses(data.sourceId), `${jobPrefix}${jobId}`, queue.toKey('failed')],
        [jobId, jobPrefix, rowsAtATime, countedForMs],
      ),
    );
    const answer = textOf(reply[0]);
    switch (answer) {
      case 'full':
        return { answer };
      case 'asked':
        return { answer, forMs: numberOf(reply[1]) };
      case 'failed':
        await queue.remove(jobId);
        return { answer, reason: textOf(reply[1]) };
      case 'ask':
        // One that was there already stays as it is.
        await requestReparse(queue, data);
        return { answer: 'asked', forMs: 0 };
      default:
        throw new TypeError(`the asking for a row answered ${answer}`);
    }
  };
};
