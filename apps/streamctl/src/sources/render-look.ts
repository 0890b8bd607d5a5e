// What a look at a source says in the terminal: what was asked and answered, and what would become of the rows. Pure.
import type { NotedExchange } from '@stream-manager/poller-worker/preview/exchange-log';
import type { Look } from '@stream-manager/poller-worker/preview/look-at-source';
import { wrap } from '../narrow.ts';
import { cutText, plainText } from '../plain-text.ts';
import { renderOutcome } from './render-outcome.ts';

/** Longest line about what was sent or said, in characters. */
const longest = 300;

/** Headers of an answer that the line above them says already, or that say nothing to a person. */
const unsaid = new Set(['content-type', 'date', 'link']);

const answerLines = (exchange: NotedExchange): readonly string[] => {
  const { status, headers, bytes, durationMs, error } = exchange;
  const took = `in ${Math.round(durationMs)} ms`;
  if (error !== null) {
    const said = error.excerpt === '' ? error.message : error.excerpt;
    return [`  ${status === null ? '' : `${status}, `}${error.code} ${took}: ${plainText(cutText(said, longest))}`];
  }
  const told = Object.entries(headers).filter(([name]) => !unsaid.has(name));
  return [
    `  ${status} ${plainText(headers['content-type'] ?? 'no content type')}, ${bytes.toLocaleString('en')} bytes ${took}`,
    ...(told.length === 0 ? [] : [`  ${told.map(([name, value]) => `${name}: ${plainText(value)}`).join(', ')}`]),
  ];
};

const exchangeLines = (exchange: NotedExchange): readonly string[] => {
  const { method, url, requestBody, steps } = exchange;
  const [first, ...others] = steps;
  return [
    `${method} ${first?.place ?? cutText(url, longest)}`,
    ...(requestBody === null ? [] : [`  body ${plainText(cutText(requestBody, longest))}`]),
    ...others.map((step, index) => `  ${steps[index]?.status} ─► ${step.method} ${step.place}`),
    ...answerLines(exchange),
  ];
};

const iso = (ms: number): string => new Date(ms).toISOString();

/** Renders the look. `width`: of the terminal, null when there is none. */
export const renderLook = (look: Pick<Look, 'window' | 'preview' | 'exchanges'>, width: number | null): string => {
  const { sinceMs, untilMs } = look.window;
  const lines = [
    ...(sinceMs === null ? [] : [`the time asked for: ${iso(sinceMs)} to ${iso(untilMs)}`]),
    ...look.exchanges.flatMap(exchangeLines),
    '',
    ...renderOutcome(look.preview, width),
    '',
    ...wrap(
      'Whether a record is known from an earlier poll is not looked at: no queue and no Redis was touched.',
      width,
    ),
  ];
  return `${lines.join('\n')}\n`;
};
