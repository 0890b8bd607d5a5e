// `streamctl dead-letters …`: runs a command, and gives it the terminal.
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonText } from '../json-text.ts';
import type { Terminal } from '../terminal.ts';
import { actOnLetters } from './act.ts';
import { exitCodeOf, renderResult } from './act-result.ts';
import type { LettersApi } from './letters-api.ts';
import { readLetters, renderLetters } from './list.ts';
import { type LetterCommand, type LetterOptions, readLetterOptions } from './options.ts';
import { createLetterProgress } from './progress.ts';
import { findLetter, renderLetter } from './show.ts';

export const deadLettersUsage = `npm run streamctl -- dead-letters <command>
  list               the newest letters, and how many there are
  show ID            one letter in full: record or raw row, reason, every send
  replay [ID…]       sends letters the normal way again
  discard [ID…]      removes letters for good

  --source ID        of one source only
  --code CODE        with this code only, as \`list\` shows it
  --since TIME       failed since then: 2026-05-01T12:00:00Z, or 2h for two hours ago
  --limit N          list: at most N (default 100); replay, discard: the newest N
  --rate N           replay, discard: N letters a second
  --all              replay, discard: every letter, where no other choice is made
  --dry-run          replay, discard: only say how many are meant
  --yes              discard: do not ask
  --json             the answer as JSON on standard output

Exit codes: 0 done, 1 some letters failed or it was interrupted, 2 refused, wrong use or unreachable API.
`;

const run = async (
  api: LettersApi,
  command: LetterCommand,
  options: LetterOptions,
  terminal: Terminal,
): Promise<number> => {
  switch (command) {
    case 'list': {
      const letters = await readLetters(api, options);
      terminal.out(options.json ? jsonText(letters) : renderLetters(letters, { isWhole: !terminal.outIsTerminal }));
      return 0;
    }
    case 'show': {
      const letter = await findLetter(api, options);
      terminal.out(options.json ? jsonText(letter) : renderLetter(letter));
      return 0;
    }
    case 'replay':
    case 'discard': {
      const result = await actOnLetters(
        {
          api,
          progress: createLetterProgress(terminal.notice, terminal.isTerminal),
          confirm: terminal.confirm,
          // An abort only ends the pause early; whoever paused looks at the signal.
          pause: (ms) => sleep(ms, undefined, { signal: terminal.signal }).catch(() => {}),
          now: () => performance.now(),
          signal: terminal.signal,
        },
        command,
        options,
      );
      terminal.out(options.json ? jsonText(result) : renderResult(result));
      return exitCodeOf(result);
    }
  }
};

/** Runs a command with the words after it; gives the exit code. Throws `UsageError`, or a sentence of the API. */
export const deadLetters = async (
  openApi: () => Promise<LettersApi>,
  command: LetterCommand,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> => {
  // Wrong use is told before an API is looked for.
  const options = readLetterOptions(command, args, Date.now());
  return run(await openApi(), command, options, terminal);
};
