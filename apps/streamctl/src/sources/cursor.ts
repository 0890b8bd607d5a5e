// `streamctl sources cursor show|set|reset`: from where a source's next poll goes on.
import { findSource } from '../find-source.ts';
import { jsonText } from '../json-text.ts';
import type { CursorAnswer, CursorChange, OperatorApi } from '../operator-api.ts';
import type { CommandContext } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

export const cursorUsage = `npm run streamctl -- sources cursor show|set|reset SOURCE
  show SOURCE                from where the next poll of the source goes on
  set SOURCE VALUE           another value, as \`show\` prints it: JSON, or a text
  set SOURCE --until TIME    the next poll asks from then on: 2026-05-01, or 2026-05-01T12:00:00Z; a value goes
  reset SOURCE               the next poll begins as the first one did

  --version N   set, reset: only if it still has this version
  --yes         reset: do not ask (without a terminal nobody is asked)
  --json        the answer as JSON on standard output

A pass that runs goes on as it began and does not overwrite what was set. Ids that are known stay known: what is fetched
again makes no duplicates while dedupeWindowHours last. Every change is logged by the scheduler.
`;

type CursorApi = Pick<OperatorApi, 'streams' | 'cursor' | 'setCursor' | 'resetCursor'>;

/** What is written to, and asked. */
export type CursorTerminal = Pick<CommandContext, 'out' | 'notice' | 'confirm'>;

/** What the command line says of a cursor. */
export interface CursorOptions {
  readonly sourceId: string;
  readonly json: boolean;
  /** Only if it has this version; null: whatever it has. */
  readonly version: number | null;
}

const valueWords = (value: unknown): string => (value === null ? 'none' : JSON.stringify(value));

/** The text for people. Pure. */
export const renderCursor = ({ id, value, until, at, by, version }: CursorAnswer): string =>
  [
    `source   ${id}`,
    `value    ${valueWords(value)}`,
    `until    ${until ?? 'none'}`,
    `written  ${at === null ? 'never' : `${at} by ${by ?? 'nobody'}`}, version ${version}`,
    ...(value === null && until === null ? ['the next poll begins as the first one did'] : []),
    '',
  ].join('\n');

const print = (cursor: CursorAnswer, { json }: CursorOptions, { out }: CursorTerminal): void =>
  out(json ? jsonText(cursor) : renderCursor(cursor));

/** A value as the command line has it: JSON, else the text itself. Pure. */
export const readCursorValue = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** What is to be set. Throws `UsageError`. Pure. */
export const readCursorChange = (value: string | undefined, until: string | undefined): CursorChange => {
  if ((value === undefined) === (until === undefined))
    throw new UsageError('say either a value (JSON or a text), or --until TIME');
  if (until !== undefined) return { until };
  const read = readCursorValue(value ?? '');
  if (read === null) throw new UsageError('a value of null is none: use `sources cursor reset`');
  return { value: read };
};

/** Shows the cursor; gives the exit code. */
export const showCursor = async (api: CursorApi, options: CursorOptions, terminal: CursorTerminal): Promise<number> => {
  await findSource(api, options.sourceId);
  print(await api.cursor(options.sourceId), options, terminal);
  return 0;
};

/** Sets it. */
export const setCursor = async (
  api: CursorApi,
  options: CursorOptions & { readonly change: CursorChange },
  terminal: CursorTerminal,
): Promise<number> => {
  await findSource(api, options.sourceId);
  print(await api.setCursor(options.sourceId, options.change, options.version), options, terminal);
  return 0;
};

/** Takes it away; asks before if there is somebody to ask, and nobody said yes. */
export const resetCursor = async (
  api: CursorApi,
  options: CursorOptions & { readonly yes: boolean },
  terminal: CursorTerminal,
): Promise<number> => {
  const { sourceId, yes } = options;
  await findSource(api, sourceId);
  const before = await api.cursor(sourceId);
  if (!yes && terminal.confirm !== null) {
    const { value, until } = before;
    const question = `Reset the cursor of ${sourceId} (value ${valueWords(value)}, until ${until ?? 'none'})?`;
    if (!(await terminal.confirm(question))) {
      terminal.notice('nothing was done\n');
      return 1;
    }
  }
  // What was confirmed is what is taken away.
  const version = options.version ?? (yes || terminal.confirm === null ? null : before.version);
  print(await api.resetCursor(sourceId, version), options, terminal);
  return 0;
};
