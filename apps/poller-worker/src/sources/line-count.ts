// How many lines an answer has, counted in its bytes: what bounds its rows before any of them was read.
import type { WholeAnswer } from '../http/whole-answer.ts';

const lineFeed = 0x0a;

/** The most lines that an answer can hold. Blank ones count, and what is behind its last line break. */
export const mostLines = async (answer: Pick<WholeAnswer, 'blocks'>): Promise<number> => {
  let lines = 1;
  for await (const block of answer.blocks())
    for (let at = block.indexOf(lineFeed); at !== -1; at = block.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
};
