// Visible progress: whoever waits for a download or a server says what for, and says again every few seconds that it is
// still waiting, so that a slow network never looks like a hang.

/** Takes one line of text for the person at the terminal. */
export type Say = (line: string) => void;

const firstAfterMs = 1_000;
const everyMs = 4_000;

/** Awaits `work`; says `‹doing›` when it lasts longer than a second, and `still ‹doing› (‹n› s)` every four seconds. */
export const withProgress = async <T>(say: Say, doing: string, work: Promise<T>): Promise<T> => {
  const startedAt = performance.now();
  const first = setTimeout(() => say(doing), firstAfterMs);
  const further = setInterval(() => {
    say(`still ${doing} (${Math.round((performance.now() - startedAt) / 1_000)} s)`);
  }, everyMs);
  try {
    return await work;
  } finally {
    clearTimeout(first);
    clearInterval(further);
  }
};
