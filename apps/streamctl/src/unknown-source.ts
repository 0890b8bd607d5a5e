// What is said of a source that there is none of. Pure.
import { nearestKey } from '@stream-manager/shared/config/nearest-key';

/** One sentence that names the nearest source, or those there are. */
export const unknownSource = (sourceId: string, known: readonly string[]): Error => {
  const near = nearestKey(sourceId, known);
  const others = `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}`;
  return new Error(`there is no source "${sourceId}"; ${near === undefined ? '' : `did you mean ${near}? `}${others}`);
};
