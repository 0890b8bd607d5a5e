// Dead letters in memory that answer as the API does: newest first, by pages, one that cannot be replayed among them.
import type { LetterActAnswer, LetterAnswer, LettersApi } from '../../src/dead-letters/letters-api.ts';

const letterOf = (n: number): LetterAnswer => ({
  id: `letter-${n}`,
  source: n % 2 === 0 ? 'even' : 'odd',
  code: 'publish_failed',
  reason: `refused\n${n}`,
  topic: 'a-topic',
  record: { n },
  attempts: [{ at: '2026-01-01T00:00:00.000Z', error: 'refused' }],
  firstFailedAt: '2026-01-01T00:00:00.000Z',
  lastFailedAt: '2026-01-01T00:00:00.000Z',
  replays: 0,
  replayError: null,
});

/** An API over letters 0 to count − 1; `broken` cannot be acted on. */
export const memoryLetters = (count: number, broken: readonly string[] = []) => {
  const lying = Array.from({ length: count }, (_, n) => letterOf(count - 1 - n));
  const calls: Parameters<LettersApi['act']>[1][] = [];
  const meant = ({ source, ids }: { readonly source?: string; readonly ids?: readonly string[] }) =>
    lying.filter((letter) => (source ?? letter.source) === letter.source && (ids?.includes(letter.id) ?? true));
  const number = ({ id }: LetterAnswer): number => Number(id.slice('letter-'.length));
  const within = (letters: readonly LetterAnswer[], until: string | undefined) => {
    const [newest = 0, oldest = 0] = (until ?? `${Number.MAX_SAFE_INTEGER}.0`).split('.').map(Number);
    return letters.filter((letter) => number(letter) <= newest && number(letter) >= oldest);
  };
  const after = (letters: readonly LetterAnswer[], cursor: string | undefined) => {
    return cursor === undefined ? letters : letters.filter((letter) => number(letter) < Number(cursor));
  };
  const api: LettersApi = {
    sources: async () => ['odd', 'even'],
    show: async (source, id) => {
      const letter = lying.find((one) => one.source === source && one.id === id);
      return letter === undefined ? null : { ...letter, state: 'failed', pollId: 'poll-1', payloadVersion: 1 };
    },
    list: async ({ limit, cursor, ...selection }) => {
      const all = meant(selection);
      const left = after(all, cursor);
      const deadLetters = left.slice(0, limit);
      const next = left.length > limit ? (deadLetters.at(-1)?.id.slice('letter-'.length) ?? null) : null;
      return { total: all.length, waiting: 0, deadLetters, next };
    },
    act: async (act, body) => {
      calls.push(body);
      const left = within(after(meant(body), body.cursor), body.until);
      const limit = body.limit ?? (body.dryRun ? left.length : 1_000);
      const part = left.slice(0, limit);
      const missing = (body.ids ?? [])
        .filter((id) => !lying.some((letter) => letter.id === id))
        .map((id) => ({ id, source: null, error: 'there is no failed letter of this id' }));
      const failed = body.dryRun ? [] : part.filter(({ id }) => broken.includes(id));
      const done = body.dryRun ? [] : part.filter(({ id }) => !broken.includes(id));
      for (const letter of done) lying.splice(lying.indexOf(letter), 1);
      const [newest] = part;
      const oldest = part.at(-1);
      const answer: LetterActAnswer = {
        matched: part.length,
        [act === 'replay' ? 'replayed' : 'discarded']: done.length,
        failed: [...missing, ...failed.map(({ id, source }) => ({ id, source, error: 'its job has lost its data' }))],
        waiting: 0,
        next: left.length > limit && !body.dryRun ? (part.at(-1)?.id.slice('letter-'.length) ?? null) : null,
        until:
          newest === undefined || oldest === undefined || !body.dryRun ? null : `${number(newest)}.${number(oldest)}`,
      };
      return answer;
    },
  };
  let failed = count;
  return {
    api,
    calls,
    lying,
    /** More letters fail. */
    fail: (more: number): void => {
      for (let n = 0; n < more; n += 1) lying.unshift(letterOf(failed + n));
      failed += more;
    },
  };
};
