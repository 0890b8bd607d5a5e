// `streamctl dead-letters show ID`: one letter in full.

import { plainLines, plainText } from '../plain-text.ts';
import { UsageError } from '../usage-error.ts';
import type { LettersApi, WholeLetterAnswer } from './letters-api.ts';
import type { LetterOptions } from './options.ts';

/** Finds a letter: in the source that was named, else in each. Throws a sentence when there is none. */
export const findLetter = async (
  api: Pick<LettersApi, 'show' | 'sources'>,
  { ids, selection }: Pick<LetterOptions, 'ids' | 'selection'>,
): Promise<WholeLetterAnswer> => {
  const [id, ...more] = ids;
  if (id === undefined || more.length > 0) throw new UsageError('dead-letters show: name one id, as `list` shows it');
  const sources = selection.source === undefined ? await api.sources() : [selection.source];
  for (const source of sources) {
    const letter = await api.show(source, id);
    if (letter !== null) return letter;
  }
  throw new Error(
    `there is no dead letter "${id}"${selection.source === undefined ? '' : ` of "${selection.source}"`}`,
  );
};

/** The text for people. Pure. */
export const renderLetter = (letter: WholeLetterAnswer): string => {
  const lines = [
    `id            ${letter.id}`,
    `source        ${letter.source}`,
    `state         ${letter.state === 'failed' ? 'failed' : 'waiting for a run (new, or being replayed)'}`,
    `code          ${letter.code}`,
    `reason        ${plainText(letter.reason)}`,
    ...(letter.replayError === null ? [] : [`last replay   ${plainText(letter.replayError)}`]),
    `topic         ${letter.topic ?? '–'}`,
    `first failed  ${letter.firstFailedAt ?? '–'}`,
    `last failed   ${letter.lastFailedAt ?? '–'}`,
    `replays       ${letter.replays}`,
    `poll          ${letter.pollId ?? '–'}`,
    `payload       version ${letter.payloadVersion ?? '–'}`,
    `sends         ${letter.attempts.length}`,
    ...letter.attempts.map(({ at, error }) => `  ${at}  ${plainText(error)}`),
    letter.raw === undefined ? 'record' : 'raw row',
    plainLines(letter.raw ?? JSON.stringify(letter.record, null, 2)),
  ];
  return `${lines.join('\n')}\n`;
};
