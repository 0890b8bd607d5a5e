// How a dead letter gets into its queue, from either side: pollers add rows that are no record, producers add records
// that Kafka refuses. The job id names record, revision and replay, so that adding it again (after a crash between
// two steps) is nothing, while a replay that fails again is a new letter.
import type { Queue } from 'bullmq';
import type { DeadLetterJobData } from '../jobs/payloads.ts';
import type { LetterStocks } from './dead-letters/letter-stock.ts';

/** `<id>-<first 6 hex digits of the content hash>-<times replayed>`; for an invalid row `id` is the hash of its bytes. */
export const deadLetterJobId = (id: string, contentHash: Buffer, replays: number): string =>
  `${id}-${contentHash.toString('hex').slice(0, 6)}-${replays}`;

/** A letter and the id of its job. */
export interface DeadLetter {
  readonly jobId: string;
  readonly data: DeadLetterJobData;
}

/** Letters are added in pipelines of this many. */
const lettersPerCall = 200;

/**
 * Adds letters of one source, and says to `stocks` how many bytes they have; those that are there already stay as they
 * are (their bytes are counted again until the next measure). `addBulk` is a pipeline, not atomic: on an error the caller
 * adds all of them again.
 */
export const addDeadLetters = async (
  queue: Queue,
  letters: readonly DeadLetter[],
  stocks: Pick<LetterStocks, 'added'>,
): Promise<void> => {
  for (let from = 0; from < letters.length; from += lettersPerCall) {
    const part = letters.slice(from, from + lettersPerCall);
    await queue.addBulk(
      part.map(({ jobId, data }) => ({
        name: data.code,
        data,
        opts: { jobId, removeOnComplete: true, removeOnFail: false, attempts: 1, stackTraceLimit: 0 },
      })),
    );
    const [first] = part;
    // As BullMQ has stored them.
    const bytes = part.reduce((sum, { data }) => sum + Buffer.byteLength(JSON.stringify(data)), 0);
    if (first !== undefined) await stocks.added(first.data.sourceId, bytes);
  }
};
