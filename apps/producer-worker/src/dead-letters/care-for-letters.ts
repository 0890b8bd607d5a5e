// The care of the dead letters, act by act. What frees memory comes first: letters of dropped records cannot be added to a
// Redis that is full, and that must keep nobody from deleting what has expired.
import { messageOf } from '@stream-manager/shared/failures/errors';

/** One act of the care over all sources. */
export type LetterAct = (sourceIds: readonly string[], signal: AbortSignal) => Promise<unknown>;

/** Makes one round of the acts in their order; one that fails does not keep the next from being done. Rejects with all failures. */
export const createCareForLetters =
  (acts: readonly LetterAct[]): ((sourceIds: readonly string[], signal: AbortSignal) => Promise<void>) =>
  async (sourceIds, signal) => {
    const errors: unknown[] = [];
    for (const act of acts) {
      signal.throwIfAborted();
      try {
        await act(sourceIds, signal);
      } catch (error) {
        signal.throwIfAborted();
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map(messageOf).join('; '));
  };
