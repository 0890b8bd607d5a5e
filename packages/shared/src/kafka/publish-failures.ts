// The failures of one publish: records that failed with the same error object stand together.
import type { PublishFailure } from './port.ts';

/** Failures by error, indexes in the order in which they were found. */
export type FailuresByError = Map<unknown, number[]>;

/** Adds records that failed with `error`. */
export const addFailure = (failures: FailuresByError, indexes: readonly number[], error: unknown): void => {
  if (indexes.length === 0) return;
  const known = failures.get(error);
  if (known === undefined) failures.set(error, [...indexes]);
  else known.push(...indexes);
};

/** The failures as the port gives them, indexes ascending. */
export const listFailures = (failures: FailuresByError): readonly PublishFailure[] =>
  [...failures].map(([error, indexes]) => ({ indexes: indexes.toSorted((a, b) => a - b), error }));
