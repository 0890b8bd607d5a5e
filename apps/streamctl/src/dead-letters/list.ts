// `streamctl dead-letters list`: the newest letters as a table.
import { cutText, plainText } from '../plain-text.ts';
import { renderTable } from '../table.ts';
import type { LetterAnswer, LettersAnswer, LettersApi } from './letters-api.ts';
import type { LetterOptions } from './options.ts';

const defaultListed = 100;
/** Most that one request to the API may list. */
const maxPage = 1_000;
/** Characters of a reason that a line of the table has on a terminal. */
const shownReason = 80;

const oneLine = (text: string, isWhole: boolean): string =>
  isWhole ? plainText(text) : cutText(plainText(text), shownReason);

/** Reads up to `--limit` letters (default 100), page by page. */
export const readLetters = async (
  api: Pick<LettersApi, 'list'>,
  { selection, limit }: Pick<LetterOptions, 'selection' | 'limit'>,
): Promise<LettersAnswer> => {
  const wanted = limit ?? defaultListed;
  const deadLetters: LetterAnswer[] = [];
  let answer: LettersAnswer;
  let cursor: string | null = null;
  do {
    answer = await api.list({
      ...selection,
      limit: Math.min(maxPage, wanted - deadLetters.length),
      ...(cursor === null ? {} : { cursor }),
    });
    deadLetters.push(...answer.deadLetters);
    cursor = answer.next;
  } while (cursor !== null && deadLetters.length < wanted);
  return { ...answer, deadLetters };
};

/** The text for people. `isWhole`: reasons are not cut to what a terminal shows. Pure. */
export const renderLetters = (
  { total, waiting, deadLetters }: LettersAnswer,
  { isWhole }: { readonly isWhole: boolean },
): string => {
  const shown = `${deadLetters.length} of ${total} dead letters`;
  const summary = waiting === 0 ? shown : `${shown}; ${waiting} not listed, waiting for a run (new, or being replayed)`;
  if (deadLetters.length === 0) return `${summary}\n`;
  const table = renderTable(
    [
      { title: 'ID' },
      { title: 'SOURCE' },
      { title: 'CODE' },
      { title: 'LAST FAILED' },
      { title: 'SENDS', isNumber: true },
      { title: 'REPLAYS', isNumber: true },
      { title: 'REASON' },
    ],
    deadLetters.map((letter) => [
      letter.id,
      letter.source,
      letter.code,
      letter.lastFailedAt ?? '–',
      String(letter.attempts.length),
      String(letter.replays),
      oneLine(letter.replayError ?? letter.reason, isWhole),
    ]),
  );
  return `${table}\n\n${summary}\n`;
};
