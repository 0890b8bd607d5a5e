// Type custom: a source of the user's own. Its module makes it; here it is held to the port, so that whatever it throws or
// gives is an error of that source alone, with its name and that of its module (docs/adding-a-source.md).

import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { type Extensions, noExtensions } from '@stream-manager/shared/extensions/extensions';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { heard } from '../heard.ts';
import { isInvalidRow, ownInvalidRow, ownPage, ownRecord } from './own-page.ts';
import type { Page, Source, SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

/** What the module of a source is called with. */
export interface OwnSourceGiven {
  /** Its entry in the config, with every default. */
  readonly source: ResolvedSource;
  /** `params.options`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Lines of the process' log; the source id stands in each. Absent where nothing is logged (a test). */
  readonly logger?: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
}

/** The default export of a source's module. May throw: then a poller refuses to start with the source enabled. */
export type OwnSourceFactory = (given: OwnSourceGiven) => Source;

const shortestSliceMs = 60_000;
const longestSliceMs = 3_653 * 86_400_000;

/** What was made, if it implements the port; throws an Error that says what it lacks. */
const checkedSource = (made: unknown): Source => {
  if (typeof made !== 'object' || made === null)
    throw new Error(`must give an object with poll and parseRow, found ${typeof made}`);
  // An object of whatever; each field is looked at.
  const { poll, parseRow, backfill } = made as { readonly [name in keyof Source]?: unknown };
  if (typeof poll !== 'function') throw new Error('poll must be a function that gives pages (async *poll(context))');
  if (typeof parseRow !== 'function') throw new Error('parseRow must be a function that parses one row again');
  if (backfill !== undefined) {
    const sliceMs =
      typeof backfill === 'object' && backfill !== null && 'sliceMs' in backfill ? backfill.sliceMs : null;
    if (!(Number.isInteger(sliceMs) && Number(sliceMs) >= shortestSliceMs && Number(sliceMs) <= longestSliceMs))
      throw new Error('backfill must be { sliceMs: a whole number from 60,000 (milliseconds) }');
  }
  // As far as it can be seen from outside; what it gives is looked at page by page.
  return made as Source;
};

/** An error of ours (the HTTP client's: too early, too large, refused) is what it is, also inside one of theirs. */
const ownError = (error: unknown): StreamManagerError | null => {
  let inner = error;
  for (let depth = 0; depth < 10; depth++) {
    if (inner instanceof StreamManagerError) return inner;
    if (!(inner instanceof Error)) return null;
    inner = inner.cause;
  }
  return null;
};

/** Creates the connector of type custom. */
export const createCustom =
  (deps: { readonly logger?: Logger; readonly extensions?: Extensions }): SourceFactory =>
  (source) => {
    if (source.type !== 'custom') throw unsupported(source, 'custom');
    const { module, options } = source.params;
    const failed = (what: string, cause?: unknown): StreamManagerError =>
      new StreamManagerError('extension_failed', `source ${source.id} (${module}): ${what}`, { cause });
    const make = (deps.extensions ?? noExtensions).sources.get(source.id);
    if (make === undefined) throw new StreamManagerError('source_unsupported', `the module ${module} was not loaded`);
    const logger = deps.logger?.child({ sourceId: source.id });
    let own: Source;
    try {
      own = checkedSource(make({ source, options, ...(logger === undefined ? {} : { logger }) }));
    } catch (error) {
      throw new StreamManagerError('source_unsupported', `the module ${module} makes no source: ${messageOf(error)}`, {
        cause: error,
      });
    }

    const told = (what: string, error: unknown): StreamManagerError =>
      ownError(error) ?? failed(`${what}: ${messageOf(error)}`, error);

    async function* checkedPages(pages: unknown, what: string): AsyncIterable<Page> {
      let number = 0;
      try {
        if (typeof pages !== 'object' || pages === null || !(Symbol.asyncIterator in pages))
          throw new Error('must give pages one after the other (async *poll(context) { yield … })');
        // The symbol says so.
        for await (const page of pages as AsyncIterable<unknown>) {
          number += 1;
          const checked = await ownPage(page);
          const ahead = aheadOf(page);
          yield ahead === null
            ? checked
            : { ...checked, ahead: () => checkedPages(heard(ahead()), `ahead of ${what}`) };
        }
      } catch (error) {
        throw told(number === 0 ? what : `${what}, page ${number}`, error);
      }
    }

    return {
      ...(own.backfill === undefined ? {} : { backfill: { sliceMs: own.backfill.sliceMs } }),
      poll: async function* (context) {
        let pages: unknown;
        try {
          pages = heard(own.poll(context));
        } catch (error) {
          throw told('poll', error);
        }
        yield* checkedPages(pages, 'poll');
      },
      parseRow: (row): SourceRecord | InvalidRow => {
        const stillInvalid = (message: string): InvalidRow => ({
          raw: row.raw,
          reason: 'bad_record',
          message,
          ...(row.context === '' ? {} : { context: row.context }),
        });
        let parsed: unknown;
        try {
          parsed = heard(own.parseRow(row));
        } catch (error) {
          return stillInvalid(`parseRow threw ${messageOf(error)}`);
        }
        const invalid = ownInvalidRow(parsed);
        if (typeof invalid !== 'string') return invalid;
        const record = ownRecord(parsed);
        return isInvalidRow(record) ? stillInvalid(`parseRow: ${record.message}`) : record;
      },
    };
  };

/** `ownPage` has looked that it is a function, if it is there. */
const aheadOf = (page: unknown): (() => unknown) | null => {
  const { ahead } = page as { readonly ahead?: unknown };
  return typeof ahead === 'function' ? () => ahead.call(page) as unknown : null;
};
