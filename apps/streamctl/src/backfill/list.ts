// `streamctl backfill list SOURCE`: its backfills, the newest first.
import type { BackfillView } from '@stream-manager/shared/queues/backfills';
import { plainText } from '../plain-text.ts';
import { renderTable } from '../table.ts';

const stateWords = ({ state, delayed, error }: BackfillView): string => {
  if (delayed !== null) return `${state}: ${delayed.reason}`;
  return error === null ? state : `${state}: ${plainText(error)}`;
};

/** The text for people. Pure. */
export const renderBackfills = (sourceId: string, backfills: readonly BackfillView[]): string => {
  if (backfills.length === 0) return `${sourceId} has no backfills\n`;
  const table = renderTable(
    [
      { title: 'BACKFILL' },
      { title: 'FROM' },
      { title: 'TO' },
      { title: 'DONE', isNumber: true },
      { title: 'RECORDS', isNumber: true },
      { title: 'ASKED FOR' },
      { title: 'BY' },
      { title: 'STATE' },
    ],
    backfills.map((backfill) => [
      backfill.id,
      backfill.from,
      backfill.to,
      `${Math.floor(backfill.share * 100)} %`,
      String(backfill.records),
      backfill.requestedAt,
      backfill.requestedBy,
      stateWords(backfill),
    ]),
  );
  return `${table}\n`;
};
