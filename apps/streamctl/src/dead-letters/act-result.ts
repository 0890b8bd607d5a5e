// What a replay or a discard came to: as text, and as an exit code.
import type { LetterAct, LetterActAnswer } from './letters-api.ts';

/** What an act came to. */
export interface ActResult {
  readonly act: LetterAct;
  /** Letters that were meant. */
  readonly matched: number;
  /** Letters it was done to. */
  readonly done: number;
  readonly failed: LetterActAnswer['failed'];
  readonly waiting: number;
  /** `dry_run`, `refused` (the operator said no) and `interrupted` ended before the end. */
  readonly end: 'finished' | 'dry_run' | 'refused' | 'interrupted';
}

/** How many letters, in words. Pure. */
export const plural = (count: number): string => `${count} dead letter${count === 1 ? '' : 's'}`;

const shownFailures = 20;

const headline = ({ act, matched, done, end }: ActResult): string => {
  const doing = act === 'replay' ? 'replayed' : 'discarded';
  switch (end) {
    case 'dry_run':
      return `${plural(matched)} would be ${doing}`;
    case 'refused':
      return 'nothing was discarded';
    case 'interrupted':
      return `interrupted: ${doing} ${done} of ${plural(matched)}`;
    case 'finished':
      return `${doing} ${done} of ${plural(matched)}`;
  }
};

/** The text for people. Pure. */
export const renderResult = (result: ActResult): string => {
  const { act, failed, waiting, end } = result;
  // After a replay those that were just replayed wait, too.
  const isOther = waiting > 0 && !(act === 'replay' && end !== 'dry_run');
  const lines = [
    headline(result),
    ...(isOther ? [`left alone: ${waiting} waiting for a run (new, or being replayed)`] : []),
    ...failed
      .slice(0, shownFailures)
      .map(({ id, source, error }) => `! ${source === null ? id : `${source} ${id}`}: ${error}`),
    ...(failed.length > shownFailures ? [`! and ${failed.length - shownFailures} more`] : []),
  ];
  return `${lines.join('\n')}\n`;
};

/** 0: all of it was done (or nothing was to be done), 1: some failed or it was interrupted, 2: the operator said no. */
export const exitCodeOf = ({ failed, end }: ActResult): 0 | 1 | 2 => {
  if (end === 'refused') return 2;
  return failed.length > 0 || end === 'interrupted' ? 1 : 0;
};
