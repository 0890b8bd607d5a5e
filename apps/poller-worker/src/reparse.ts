// Parses a row again that was invalid: the replay of a dead letter with a raw row, which waits for this in its own queue.
//
//   mark known? ──yes──► done (a run that was killed before its job was gone)
//      │no
//   parse ──a record──► admit (its own id, never evicted) ──► add its job ──► remember the mark ──► done
//      └──still invalid──► add the letter that takes the old one's place ──► remember the mark ──► done
//
// Killed between two of them, the same run comes again: the record is known, or its chunk is the sweep's to heal, or the
// letter is there already and BullMQ ignores it. Only the mark lets the old letter go, so nothing is lost, and whatever is
// repeated is nothing, so nothing is doubled.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import type { ChunkLimits, ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { letterMark, nextLetterId } from '@stream-manager/shared/queues/dead-letters/letter-mark';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import type { InvalidRow } from '@stream-manager/shared/records/envelope';
import type { AdmissionQueues } from './admission/admission.ts';
import { againLetterOf } from './admission/invalid-letters.ts';
import { type AdmissibleRecord, startPreparation } from './admission/prepare.ts';
import { sampleOf } from './admission/sample.ts';
import type { Redactor } from './http/secrets.ts';
import type { PolledSource } from './polled-sources.ts';

/** What the stage needs. */
export interface ReparseDeps {
  readonly sources: ReadonlyMap<string, PolledSource>;
  /** Also of a source that this process does not know. */
  readonly limitsOf: (sourceId: string) => ChunkLimits;
  readonly store: Pick<ChunkStore, 'lookup' | 'admit' | 'remember'>;
  readonly queues: Pick<AdmissionQueues, 'addChunkJob' | 'ring'> & {
    /** Whatever the limits are: the new letter takes the old one's place. */
    addLetters(sourceId: string, letters: readonly DeadLetter[]): Promise<void>;
  };
  readonly memory: Pick<RedisMemory, 'high'>;
  readonly metrics: Pick<Metrics, 'recordsAcceptedTotal' | 'deadLettersTotal'>;
  readonly logger: Logger;
  readonly cutSecrets: Redactor;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How a row ended; `done`: by a run before this one. `later`: there is no room now. */
export type ReparseEnd =
  | { readonly end: 'admitted' | 'still_invalid' | 'done' }
  | { readonly end: 'later'; readonly waitMs: number };

/** A row that finds no room comes again after this many milliseconds. */
const noRoomWaitMs = 2_000;

/** The row as a record, or why it is none: an answer of the source's parser, whatever that does. */
const parseAgain = (
  source: PolledSource | undefined,
  { sourceId, raw, rawContext }: ReparseJobData,
  nowMs: number,
): AdmissibleRecord | InvalidRow => {
  const refused = (message: string): InvalidRow => ({ raw, reason: 'not_parsed', message });
  if (source === undefined)
    return refused(`source ${sourceId} is not in the config of the poller that was asked, so it cannot parse this row`);
  try {
    const row = source.connector.parseRow({ raw, context: rawContext });
    if ('reason' in row) return row;
    const preparation = startPreparation(source.prepare, nowMs);
    preparation.add([row]);
    const { records, invalid } = preparation.finish();
    return records[0] ?? invalid[0] ?? refused('the row came to nothing');
  } catch (error) {
    // A disabled source whose secret is missing, or a fault of a parser: of this row only.
    return refused(messageOf(error));
  }
};

/** Creates the stage. `run` rejects when Redis does; it may be run again at any time. */
export const createReparseStage = (deps: ReparseDeps): { run(row: ReparseJobData): Promise<ReparseEnd> } => {
  const admit = async (row: ReparseJobData, record: AdmissibleRecord, limits: ChunkLimits): Promise<boolean> => {
    const { sourceId, pollId } = row;
    const { priority } = record;
    const chunkId = createChunkId();
    const result = await deps.store.admit({
      sourceId,
      chunkId,
      priority,
      // It waits for room, whatever the source does when it is full, and is not evicted.
      limits: { ...limits, overflow: 'backpressure' },
      records: [record],
      pollId,
      keep: true,
    });
    // Known: a run before this one, or a poll since a better parser came, has admitted it.
    if (result.status === 'known') return true;
    if (result.status !== 'stored' && result.status !== 'already') return false;
    await deps.queues.addChunkJob(sourceId, { chunkId, records: 1, priority, pollId, sample: sampleOf([record]) });
    deps.queues.ring(sourceId);
    deps.metrics.recordsAcceptedTotal.inc({ source: sourceId });
    return true;
  };

  return {
    run: async (row) => {
      const { sourceId, letterId } = row;
      const limits = deps.limitsOf(sourceId);
      const mark = letterMark(letterId, row.letterAddedAt);
      const [sighting] = await deps.store.lookup(sourceId, [mark], limits);
      if (sighting === 'known') return { end: 'done' };
      if ((await deps.memory.high()) !== null) return { end: 'later', waitMs: noRoomWaitMs };
      const nowMs = deps.now();
      const parsed = parseAgain(deps.sources.get(sourceId), row, nowMs);
      if ('reason' in parsed) {
        const letterAgain = againLetterOf(parsed, row, new Date(nowMs).toISOString(), deps.cutSecrets);
        await deps.queues.addLetters(sourceId, [{ ...letterAgain, jobId: nextLetterId(letterId, row.replays) }]);
        await deps.store.remember(sourceId, [mark], limits);
        deps.metrics.deadLettersTotal.inc({ source: sourceId, code: letterAgain.data.code });
        deps.logger.info({ sourceId, letter: letterId, reason: letterAgain.data.reason }, 'a row is still no record');
        return { end: 'still_invalid' };
      }
      if (!(await admit(row, parsed, limits))) return { end: 'later', waitMs: noRoomWaitMs };
      await deps.store.remember(sourceId, [mark], limits);
      deps.logger.info({ sourceId, letter: letterId }, 'a row that was invalid is a record now');
      return { end: 'admitted' };
    },
  };
};
