// Times from the command line, as the API is told them.
import { parseDuration } from '@stream-manager/shared/config/durations';

/**
 * `7d` becomes the time seven days ago, so that it means the same in every call of an act; anything else is the API's to
 * read. `now` in milliseconds since the epoch. Pure.
 */
export const apiTime = (text: string, now: number): string => {
  const ago = parseDuration(text);
  return ago === undefined ? text : new Date(now - ago).toISOString();
};
