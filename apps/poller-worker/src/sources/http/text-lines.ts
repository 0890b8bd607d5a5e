// Lines of a text that comes in pieces, as NDJSON has them. Blank ones are none; one that is too long is told of and
// passed over, so that an answer without line breaks takes no memory.

/** A line without its line break. */
export interface TextLine {
  readonly text: string;
  /** It is longer than `maxLineCharacters`, and only its beginning is here. */
  readonly isCut: boolean;
}

/** Takes a text in pieces. A byte order mark at its beginning is cut. */
export interface LineReader {
  /** The lines that this piece ends. */
  add(piece: string): readonly TextLine[];
  /** What is left when there is no more. */
  finish(): readonly TextLine[];
}

/** A longer line is no row, in characters. */
export const maxLineCharacters = 1_048_576;

export const createLineReader = (): LineReader => {
  let rest = '';
  let isBeginning = true;
  let isSkipping = false;
  const push = (lines: TextLine[], line: string): void => {
    const text = line.trim();
    if (text === '') return;
    lines.push(
      text.length > maxLineCharacters
        ? { text: text.slice(0, maxLineCharacters), isCut: true }
        : { text, isCut: false },
    );
  };
  return {
    add: (piece) => {
      const lines: TextLine[] = [];
      let text = isBeginning && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
      if (piece !== '') isBeginning = false;
      if (isSkipping) {
        const end = text.indexOf('\n');
        if (end === -1) return lines;
        isSkipping = false;
        text = text.slice(end + 1);
      }
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) push(lines, part);
      if (rest.length > maxLineCharacters) {
        push(lines, rest);
        isSkipping = true;
        rest = '';
      }
      return lines;
    },
    finish: () => {
      const lines: TextLine[] = [];
      push(lines, rest);
      rest = '';
      return lines;
    },
  };
};
