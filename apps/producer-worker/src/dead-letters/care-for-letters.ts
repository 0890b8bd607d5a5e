// The care of the dead letters, act by act. What frees memory comes first: letters of dropped records cannot be added to a
// Redis that is full, and that must keep nobody from deleting what has expired.
import { eachInTurn } from '../fleet/each-in-turn.ts';

/** One act of the care over all sources. */
export type LetterAct = (sourceIds: readonly string[], signal: AbortSignal) => Promise<unknown>;

/** Makes one round of the acts in their order; one that fails does not keep the next from being done. Rejects with all failures. */
export const createCareForLetters =
  (acts: readonly LetterAct[]): ((sourceIds: readonly string[], signal: AbortSignal) => Promise<void>) =>
  (sourceIds, signal) =>
    eachInTurn(acts, (act) => act(sourceIds, signal), signal);
