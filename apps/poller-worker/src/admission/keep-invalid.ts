// What becomes of the rows of a page that are no records: a dead letter each, once, as long as there is room for letters.
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import type { AdmissionDeps, AdmissionSettings, Shortage } from './admission.ts';
import { invalidRowCode, letterOf } from './invalid-letters.ts';
import type { AdmissibleRow } from './prepare.ts';

const bytesPerLetter = 1_000;

/** What letters take in Redis, roughly: the row and its context, and the rest of the job around them. */
const letterBytesOf = (letters: readonly DeadLetter[]): number =>
  letters.reduce((sum, { data }) => sum + bytesPerLetter + (data.raw?.length ?? 0) + (data.rawContext?.length ?? 0), 0);

/** Letters that are added in one step: Redis answers nobody else meanwhile, and a call takes only so many arguments. */
const lettersPerStep = 2_000;

/**
 * Letters first, memory second, count last: a row is one letter and is counted once, however often it is polled. As many
 * as there is room for; what is short if that is not all.
 */
export const keepInvalid = async (
  deps: AdmissionDeps,
  settings: AdmissionSettings,
  freshRows: readonly AdmissibleRow[],
  pollId: string,
): Promise<Shortage | null> => {
  let kept = 0;
  try {
    for (let from = 0; from < freshRows.length; from += lettersPerStep) {
      const high = await deps.memory.high();
      if (high !== null) return { by: 'memory', reason: high };
      const step = await keepStep(deps, settings, freshRows.slice(from, from + lettersPerStep), pollId);
      kept += step.kept;
      if (step.full !== null) return { by: 'letters', reason: step.full };
    }
    return null;
  } finally {
    if (kept > 0) {
      const example = deps.cutSecrets(freshRows[0]?.message ?? '');
      const { sourceId } = settings;
      deps.logger.warn({ sourceId, rows: kept, example }, 'rows that are no records became dead letters');
    }
  }
};

const keepStep = async (
  deps: AdmissionDeps,
  { sourceId, limits }: AdmissionSettings,
  freshRows: readonly AdmissibleRow[],
  pollId: string,
): Promise<{ readonly kept: number; readonly full: string | null }> => {
  const at = new Date(deps.now()).toISOString();
  const letters = freshRows.map((row) => letterOf(row, { sourceId, pollId, at }, deps.cutSecrets));
  const { lie, isNew, full } = await deps.queues.addFittingLetters(sourceId, letters);
  deps.memory.took(letterBytesOf(letters.filter((_letter, index) => isNew[index] === true)));
  const rows = freshRows.filter((_row, index) => lie[index] === true);
  if (rows.length > 0) {
    await deps.store.remember(sourceId, rows, limits);
    for (const row of rows) deps.metrics.recordsInvalidTotal.inc({ source: sourceId, reason: row.reason });
    deps.metrics.deadLettersTotal.inc({ source: sourceId, code: invalidRowCode }, rows.length);
  }
  return { kept: rows.length, full };
};
