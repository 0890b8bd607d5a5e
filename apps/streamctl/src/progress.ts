// How far a long act has come: a bar that rewrites its line on a terminal, a line per tenth elsewhere.

/** Where an act stands. */
export interface ProgressState {
  /** From 0 to 1. */
  readonly share: number;
  /** What it says beside that. */
  readonly words: string;
}

/** Shows progress on an output. */
export interface Progress {
  update(state: ProgressState): void;
  /** Ends the line of the bar. */
  end(): void;
}

const width = 30;

/** The bar as text. Pure. */
export const renderBar = ({ share, words }: ProgressState): string => {
  const full = Math.floor(Math.min(1, share) * width);
  const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${words}`;
};

/** Creates the progress of an act. `isTerminal`: the output can rewrite a line. */
export const createProgress = (write: (text: string) => void, isTerminal: boolean): Progress => {
  let shownTenths = 0;
  let hasBar = false;
  return {
    update: (state) => {
      if (isTerminal) {
        hasBar = true;
        write(`\r\u001B[2K${renderBar(state)}`);
        return;
      }
      const tenths = Math.floor(state.share * 10);
      if (tenths <= shownTenths) return;
      shownTenths = tenths;
      write(`${state.words}\n`);
    },
    end: () => {
      if (hasBar) write('\n');
    },
  };
};
