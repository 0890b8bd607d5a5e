// How far an act has come: a bar that rewrites its line on a terminal, a line per tenth elsewhere.

/** Shows progress on an output. */
export interface Progress {
  update(state: { readonly done: number; readonly of: number; readonly failed: number }): void;
  /** Ends the line of the bar. */
  end(): void;
}

const width = 30;

/** The bar as text. Pure. */
export const renderBar = (done: number, of: number, failed: number): string => {
  const share = of === 0 ? 1 : Math.min(1, done / of);
  const full = Math.floor(share * width);
  const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${done} of ${of}${failed === 0 ? '' : `, ${failed} failed`}`;
};

/** Creates the progress of an act. `isTerminal`: the output can rewrite a line. */
export const createProgress = (write: (text: string) => void, isTerminal: boolean): Progress => {
  let shownTenths = 0;
  let hasBar = false;
  return {
    update: ({ done, of, failed }) => {
      if (isTerminal) {
        hasBar = true;
        write(`\r\u001B[2K${renderBar(done, of, failed)}`);
        return;
      }
      const tenths = of === 0 ? 10 : Math.floor((done / of) * 10);
      if (tenths <= shownTenths) return;
      shownTenths = tenths;
      write(`${done} of ${of}${failed === 0 ? '' : `, ${failed} failed`}\n`);
    },
    end: () => {
      if (hasBar) write('\n');
    },
  };
};
