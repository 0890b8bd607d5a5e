// Does an act for many things in turn: one that fails keeps none of the others from being done.
import { messageOf } from '@stream-manager/shared/failures/errors';

/** Rejects with all failures when everything was tried, or with the reason of `signal` before the next one. */
export const eachInTurn = async <Thing>(
  things: Iterable<Thing>,
  act: (thing: Thing) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> => {
  const errors: unknown[] = [];
  for (const thing of things) {
    signal.throwIfAborted();
    try {
      await act(thing);
    } catch (error) {
      signal.throwIfAborted();
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, errors.map(messageOf).join('; '));
};

/** The same for sources; each failure names its source. */
export const eachSource = (
  sourceIds: readonly string[],
  act: (sourceId: string) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> =>
  eachInTurn(
    sourceIds,
    (sourceId) =>
      act(sourceId).catch((error: unknown) => {
        throw new Error(`source ${sourceId}: ${messageOf(error)}`, { cause: error });
      }),
    signal,
  );
