// What would become of the rows that a look has seen, in the terminal. Pure.
import type { Preview, PreviewInvalid } from '@stream-manager/poller-worker/preview/preview-poll';
import { wrap } from '../narrow.ts';
import { cutText, plainText } from '../plain-text.ts';
import { countWords } from './count-by.ts';
import { renderRecords } from './record-table.ts';

/** Faults that are shown. */
const shownFaults = 5;

const indented = (lines: readonly string[], indent: string): readonly string[] => lines.map((line) => indent + line);

const faultLines = (invalid: readonly PreviewInvalid[], width: number | null): readonly string[] => {
  if (invalid.length === 0) return [];
  const reasons = countWords(invalid, ({ reason }) => reason);
  const linesOf = ({ reason, message, raw }: PreviewInvalid): readonly string[] => [
    ...indented(wrap(`${reason}: ${cutText(plainText(message), 300)}`, width === null ? null : width - 2), '  '),
    ...indented([cutText(plainText(raw), (width ?? 204) - 4)], '    '),
  ];
  return [
    '',
    ...wrap(`rows that are no records, and would be dead letters: ${reasons}`, width),
    ...invalid.slice(0, shownFaults).flatMap(linesOf),
    ...(invalid.length > shownFaults ? [`  … and ${invalid.length - shownFaults} more`] : []),
  ];
};

/** Lines: counts, topics, priorities, keys, the first records as a table, the first faults, and what ended it. */
export const renderOutcome = (preview: Preview, width: number | null): readonly string[] => {
  const { records, invalid, repeated, pages, isCutShort, error } = preview;
  const corrections = records.filter(({ isCorrection }) => isCorrection).length;
  const counts = [
    `${records.length} records${corrections === 0 ? '' : ` (${corrections} of them corrections of others)`}`,
    `${invalid.length} rows that are none`,
    `${repeated} rows left out as repetitions`,
  ];
  return [
    ...wrap(`${counts.join(', ')}${isCutShort ? `; only the first ${pages} pages were read` : ''}`, width),
    ...renderRecords(records, width),
    ...faultLines(invalid, width),
    ...(error === null
      ? []
      : ['', ...wrap(`the poll would have failed: ${error.code}: ${plainText(error.message)}`, width)]),
  ];
};
