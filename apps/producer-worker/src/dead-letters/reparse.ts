// Replays a dead letter that holds a raw row. Parsers live in the pollers, so the row goes to queue `poll` as a job, and the
// letter waits, longer and longer: it looks for its mark, and that its row is still asked for. The poller admits the record,
// or adds a letter in the place of this one, and then leaves this letter's mark among the seen ids: a run that finds the
// mark is the last one.
import type { DeadLetterJobData, ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import type { ChunkLimits, ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { ReparseAnswer } from '@stream-manager/shared/queues/dead-letters/ask-reparse';
import { letterMark } from '@stream-manager/shared/queues/dead-letters/letter-mark';

/** The code of letters whose raw row a source gave; what other letters have as `raw` was never a row. */
const invalidRowCode = 'invalid_row';

/** Why a raw letter cannot be parsed again, or null. Pure. */
export const reparseRefusal = (
  data: Partial<DeadLetterJobData>,
  source: { readonly sourceId: string; readonly isRetired: boolean },
): string | null => {
  const because = data.reason === undefined ? '' : ` (${data.reason})`;
  if (source.isRetired)
    return `source ${source.sourceId} is gone from the config, so nothing can parse its rows: put it back, or discard this letter${because}`;
  if (data.code !== invalidRowCode)
    return `what is kept of this record is no row of the source: it cannot be parsed${because}`;
  if (data.rawIsIncomplete === true) return `only a part of the row was kept: it cannot be parsed again${because}`;
  return null;
};

/**
 * What a run of a raw letter comes to: its row cannot be parsed, the pollers have been asked for so many milliseconds, so
 * many rows are asked for that this one has to wait, or it is done.
 */
export type ReparseStep =
  | { readonly step: 'refused'; readonly reason: string }
  | { readonly step: 'done' }
  | WaitingStep;

/** Steps after which the letter waits. */
export type WaitingStep = { readonly step: 'asked'; readonly forMs: number } | { readonly step: 'full' };

/** Shortest and longest time until a letter looks again, in milliseconds. */
const waitMs = { shortest: 1_000, longest: 60_000 };

/**
 * How long a letter waits until its next step, in milliseconds: as long as its row is asked for already, so that the waits
 * double; while there is no room to ask, by its runs so far (of which the first made it a failed letter). Where no poller
 * runs, a letter costs a look a minute. Pure.
 */
export const reparseWait = (step: WaitingStep, runs: number): number => {
  const wanted = step.step === 'asked' ? step.forMs : waitMs.shortest * 2 ** Math.max(0, runs - 2);
  return Math.min(waitMs.longest, Math.max(waitMs.shortest, wanted));
};

/** Takes the next step of a raw letter's replay. Rejects with what Redis answered; any step may be repeated. */
export const reparseLetter = async (
  deps: {
    readonly store: Pick<ChunkStore, 'lookup'>;
    /** Asks the pollers. */
    readonly reparse: (data: ReparseJobData) => Promise<ReparseAnswer>;
  },
  options: { readonly sourceId: string; readonly isRetired: boolean; readonly limits: ChunkLimits },
  letter: {
    readonly jobId: string;
    /** When its job was added, in milliseconds since the epoch. */
    readonly addedAt: number;
    readonly data: Partial<DeadLetterJobData> & { readonly raw: string };
  },
): Promise<ReparseStep> => {
  const { jobId, addedAt, data } = letter;
  const refusal = reparseRefusal(data, options);
  if (refusal !== null) return { step: 'refused', reason: refusal };
  const [sighting] = await deps.store.lookup(options.sourceId, [letterMark(jobId, addedAt)], options.limits);
  if (sighting === 'known') return { step: 'done' };
  const asked = await deps.reparse({
    sourceId: options.sourceId,
    letterId: jobId,
    letterAddedAt: addedAt,
    raw: data.raw,
    rawContext: data.rawContext ?? '',
    code: data.code ?? invalidRowCode,
    replays: data.replays ?? 0,
    pollId: data.pollId ?? '',
    firstFailedAt: data.firstFailedAt ?? new Date(0).toISOString(),
  });
  switch (asked.answer) {
    case 'asked':
      return { step: 'asked', forMs: asked.forMs };
    case 'full':
      return { step: 'full' };
    case 'failed':
      return { step: 'refused', reason: asked.reason };
  }
};
