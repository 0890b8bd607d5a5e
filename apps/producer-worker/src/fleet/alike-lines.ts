// Lines about many sources that say the same at the same time, told as one: a fault of the cluster concerns every source,
// and must not fill the log with as many lines as there are.
import type { Logger } from '@stream-manager/shared/observability/logger';

/** A line about one source. */
export interface SourceLine {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly sourceId: string;
  /** What tells it from lines of the same message: a field of it, with its text; null: nothing does. */
  readonly why: { readonly field: string; readonly text: string } | null;
  /** Told only where the line stands alone. */
  readonly fields?: object;
}

/** Sources that a line names; it always tells how many there are. */
const namedSources = 10;
/** Lines of one message at a time; more of them become one. */
const linesApart = 5;

/** Writes them: one line per message and text, for few different texts; one line per message for many. */
export const tellAlike = (logger: Pick<Logger, 'info' | 'warn'>, lines: readonly SourceLine[]): void => {
  for (const [message, ofMessage] of Map.groupBy(lines, (line) => line.message)) {
    const byText = [...Map.groupBy(ofMessage, ({ why }) => why?.text ?? '').values()];
    for (const alike of byText.length > linesApart ? [ofMessage] : byText) {
      const [first] = alike;
      if (first === undefined) continue;
      const { level, sourceId, why, fields } = first;
      const texts = [...new Set(alike.flatMap((line) => line.why?.text ?? []))].slice(0, linesApart);
      const reason = why === null ? {} : { [why.field]: texts.join('; ') };
      if (alike.length === 1) logger[level]({ sourceId, ...reason, ...fields }, message);
      else {
        const sources = alike.slice(0, namedSources).map((line) => line.sourceId);
        logger[level]({ sources, count: alike.length, ...reason }, message);
      }
    }
  }
};
