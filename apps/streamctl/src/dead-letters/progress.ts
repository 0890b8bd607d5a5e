// How far an act on dead letters has come.
import { createProgress, type Progress } from '../progress.ts';

/** Shows the progress of an act on letters. */
export interface LetterProgress extends Pick<Progress, 'end'> {
  update(state: { readonly done: number; readonly of: number; readonly failed: number }): void;
}

/** Creates it. `isTerminal`: the output can rewrite a line. */
export const createLetterProgress = (write: (text: string) => void, isTerminal: boolean): LetterProgress => {
  const progress = createProgress(write, isTerminal);
  return {
    update: ({ done, of, failed }) =>
      progress.update({
        share: of === 0 ? 1 : Math.min(1, done / of),
        words: `${done} of ${of}${failed === 0 ? '' : `, ${failed} failed`}`,
      }),
    end: () => progress.end(),
  };
};
