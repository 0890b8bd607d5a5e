// What a command is given in tests: what it says is kept, and nobody is there to be asked.
import type { CommandContext } from '../src/terminal.ts';
import { memoryTerminal } from './memory-operator.ts';

/** A context in a directory. `said`: standard output; `noticed`: standard error. */
export const contextIn = (cwd: string) => {
  const { texts, ...terminal } = memoryTerminal();
  const context: CommandContext = {
    ...terminal,
    outIsTerminal: false,
    width: null,
    env: { STREAM_DATA_DIR: cwd },
    cwd,
    findApi: async () => {
      throw new Error('no API is known here');
    },
  };
  return { context, said: () => texts.out, noticed: () => texts.notice };
};
