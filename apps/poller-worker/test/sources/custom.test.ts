import { codeOf, messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { recordTypes, type SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCustom } from '../../src/sources/custom.ts';
import { isInvalidRow, ownRecord } from '../../src/sources/own-page.ts';
import type { Source } from '../../src/sources/source.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll } from './scripted-http.ts';

const entry = { type: 'custom', params: { module: './own.ts', options: { word: 'hello' } } };
const source = resolvedSource(entry);
const record = { naturalKey: 'a', observedAtMs: 1_000, data: { value: 1 } };

/** The connector of a module that exports `make`. */
const connectorOf = (make: (given: unknown) => unknown): Source =>
  createCustom({ extensions: { modes: new Map(), sources: new Map([['a-source', make]]) } })(source);

/** The connector of a source whose poll is this. */
const polling = (poll: (context: unknown) => unknown): Source => connectorOf(() => ({ poll, parseRow: () => record }));

const pages = (...given: readonly unknown[]) =>
  polling(async function* () {
    yield* given;
  });

const http = createScriptedHttp(() => 'text');

const thrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
};

describe('a source of the user’s own', () => {
  it('is made with its entry, its options and no more than it needs', () => {
    const given: unknown[] = [];
    connectorOf((what) => {
      given.push(what);
      return { poll: () => {}, parseRow: () => {} };
    });
    expect(given).toEqual([{ source, options: { word: 'hello' } }]);
  });

  it('gives pages as the port has them, with the default type, and gets the context', async () => {
    const seen: unknown[] = [];
    const connector = polling(async function* (context) {
      seen.push(context);
      yield { records: [record, { ...record, naturalKey: 'b', type: 'air-quality' }], position: { at: 1 } };
      yield {
        records: [],
        invalid: [{ raw: 'x', reason: 'odd', message: 'is odd' }],
        position: null,
        cursor: { until: 2 },
        receipts: [{ request: 'r', answer: 'a' }],
        unchanged: 'cached',
        isPart: true,
      };
    });
    const { pages: given, error } = await pollAll(connector, source, http, 'here', { cursor: 'before' });
    expect(error).toBeNull();
    expect(seen).toEqual([expect.objectContaining({ position: 'here', cursor: 'before', http, isBackfill: false })]);
    expect(given).toEqual([
      {
        records: [
          { ...record, type: 'record' },
          { ...record, naturalKey: 'b', type: 'air-quality' },
        ],
        invalid: [],
        position: { at: 1 },
      },
      {
        records: [],
        invalid: [{ raw: 'x', reason: 'odd', message: 'is odd' }],
        position: null,
        cursor: { until: 2 },
        receipts: [{ request: 'r', answer: 'a' }],
        unchanged: 'cached',
        isPart: true,
      },
    ]);
  });

  it('keeps its own this', async () => {
    class Own {
      readonly key = 'mine';
      async *poll() {
        yield { records: [{ ...record, naturalKey: this.key }] };
      }
      parseRow() {
        return { ...record, naturalKey: this.key };
      }
    }
    const connector = connectorOf(() => new Own());
    expect((await pollAll(connector, source, http)).records).toMatchObject([{ naturalKey: 'mine' }]);
    expect(connector.parseRow({ raw: 'x', context: '' })).toMatchObject({ naturalKey: 'mine' });
  });

  it('is closed when its poll is broken off', async () => {
    let isClosed = false;
    const connector = polling(async function* () {
      try {
        yield { records: [], position: 1 };
        yield { records: [] };
      } finally {
        isClosed = true;
      }
    });
    const signal = new AbortController().signal;
    const window = { sinceMs: null, untilMs: 0 };
    const context = { source, position: null, scheduledFor: 0, cursor: null, window, isBackfill: false, http, signal };
    for await (const page of connector.poll({ ...context, maxInvalidShare: 1 })) {
      expect(page.position).toBe(1);
      break;
    }
    expect(isClosed).toBe(true);
  });

  it.each([
    { name: 'nothing', made: undefined, says: 'must give an object with poll and parseRow' },
    { name: 'no poll', made: { parseRow: () => {} }, says: 'poll must be a function' },
    { name: 'no parseRow', made: { poll: () => {} }, says: 'parseRow must be a function' },
    {
      name: 'a backfill without slices',
      made: { poll: () => {}, parseRow: () => {}, backfill: {} },
      says: 'backfill must be { sliceMs',
    },
    {
      name: 'slices of no time',
      made: { poll: () => {}, parseRow: () => {}, backfill: { sliceMs: 10 } },
      says: 'from 60,000',
    },
  ])('that makes $name is refused', ({ made, says }) => {
    const error = thrownBy(() => connectorOf(() => made));
    expect(codeOf(error)).toBe('source_unsupported');
    expect(messageOf(error)).toContain('./own.ts');
    expect(messageOf(error)).toContain(says);
  });

  it('that throws while it is made is refused with what it says', () => {
    const error = thrownBy(() =>
      connectorOf(() => {
        throw new Error('options.stations must be a list');
      }),
    );
    expect(codeOf(error)).toBe('source_unsupported');
    expect(messageOf(error)).toContain('options.stations must be a list');
  });

  it('whose module was not loaded is refused', () => {
    const error = thrownBy(() => createCustom({})(source));
    expect(codeOf(error)).toBe('source_unsupported');
  });

  it.each([
    { name: 'a promise instead of pages', connector: polling(async () => []), says: 'must give pages' },
    // Vitest fails a run in which a rejection is heard by nobody; a process of ours would end.
    { name: 'a promise that it breaks', connector: polling(async () => JSON.parse('{')), says: 'must give pages' },
    { name: 'nothing instead of pages', connector: polling(() => undefined), says: 'must give pages' },
    { name: 'no page', connector: pages('page'), says: 'page 1: a page must be' },
    { name: 'a page without records', connector: pages({ invalid: [] }), says: 'page 1: records must be a list' },
    {
      name: 'invalid rows without a reason',
      connector: pages({ records: [], invalid: [{ raw: 'x' }] }),
      says: 'an invalid row: reason must be a short code',
    },
    {
      name: 'a reason that is no code',
      connector: pages({ records: [], invalid: [{ raw: 'x', reason: `row ${'x'.repeat(99)}`, message: '' }] }),
      says: 'reason must be a short code',
    },
    { name: 'a position that is no JSON', connector: pages({ records: [], position: () => 1 }), says: 'position must' },
    { name: 'a cursor that is no JSON', connector: pages({ records: [], cursor: 1n }), says: 'cursor must' },
    { name: 'receipts of nothing', connector: pages({ records: [], receipts: [null] }), says: 'receipts must' },
    { name: 'a state it invented', connector: pages({ records: [], unchanged: 'same' }), says: 'unchanged must' },
    {
      name: 'a good page and then an error',
      connector: polling(async function* () {
        yield { records: [record], position: 1 };
        throw new Error('the API is gone');
      }),
      says: 'page 1: the API is gone',
    },
    {
      name: 'an error at once',
      connector: polling(() => {
        throw new TypeError('x is not a function');
      }),
      says: 'poll: x is not a function',
    },
    {
      name: 'something that is no error',
      connector: polling(async function* () {
        yield* [];
        // Users reject with what they like.
        await Promise.reject('text');
      }),
      says: 'text',
    },
  ])('that gives $name fails its poll, and says so by name', async ({ connector, says }) => {
    const { error } = await pollAll(connector, source, http);
    expect(codeOf(error)).toBe('extension_failed');
    expect(messageOf(error)).toContain('source a-source (./own.ts)');
    expect(messageOf(error)).toContain(says);
  });

  it('passes on what the HTTP client says, also inside an error of its own', async () => {
    const limited = new StreamManagerError('rate_limited', 'slow down', { retryAfterMs: 5_000 });
    for (const error of [limited, new Error('station KSFO', { cause: limited })]) {
      const connector = polling(async function* () {
        yield* [];
        throw error;
      });
      expect((await pollAll(connector, source, http)).error).toBe(limited);
    }
  });

  it.each([
    { name: 'no object', value: 7, says: 'a record must be an object' },
    { name: 'a type of its own', value: { ...record, type: 'weather' }, says: 'type must be one of fire-detection' },
    { name: 'no natural key', value: { ...record, naturalKey: '' }, says: 'naturalKey must be' },
    { name: 'a number as its key', value: { ...record, naturalKey: 4 }, says: 'naturalKey must be' },
    { name: 'a time as text', value: { ...record, observedAtMs: '2026-01-04' }, says: 'observedAtMs must be' },
    { name: 'no time', value: { ...record, observedAtMs: Number.NaN }, says: 'observedAtMs must be' },
    { name: 'data of a list', value: { ...record, data: [1] }, says: 'data must be an object' },
    { name: 'a place off the Earth', value: { ...record, location: { latitude: 91, longitude: 0 } }, says: 'latitude' },
    { name: 'half a place', value: { ...record, location: { latitude: 1 } }, says: 'location.longitude' },
    { name: 'a Kafka key of its own kind', value: { ...record, partitionKey: 7 }, says: 'partitionKey must be' },
  ])('has a record with $name as an invalid row among its neighbours', async ({ value, says }) => {
    const { records, invalid, error } = await pollAll(pages({ records: [record, value, record] }), source, http);
    expect(error).toBeNull();
    expect(records).toHaveLength(2);
    expect(invalid).toEqual([expect.objectContaining({ reason: 'bad_record', isIncomplete: true })]);
    expect(invalid[0]!.message).toContain(says);
  });

  it('has rows of one text and two contexts as two rows', async () => {
    const row = { raw: '2026 x', reason: 'odd', message: 'is odd' };
    const given = [
      { ...row, context: 'buoy 1' },
      { ...row, context: 'buoy 2' },
    ];
    const { invalid } = await pollAll(pages({ records: [], invalid: given }), source, http);
    expect(new Set(invalid.map(({ identity }) => identity)).size).toBe(2);
  });

  it('parses a row again, and stays invalid with whatever else comes', () => {
    const parsed = (answer: () => unknown) => connectorOf(() => ({ poll: () => {}, parseRow: answer }));
    const row = { raw: 'x', context: 'header' };
    expect(parsed(() => record).parseRow(row)).toEqual({ ...record, type: 'record' });
    expect(parsed(() => ({ raw: 'x', reason: 'odd', message: 'still odd' })).parseRow(row)).toEqual({
      raw: 'x',
      reason: 'odd',
      message: 'still odd',
    });
    const still = { raw: 'x', context: 'header', reason: 'bad_record' };
    expect(parsed(() => undefined).parseRow(row)).toMatchObject(still);
    expect(parsed(() => JSON.parse('{')).parseRow(row)).toMatchObject(still);
    expect(parsed(async () => JSON.parse('{')).parseRow(row)).toMatchObject(still);
  });

  it('that reads ahead is looked at there, too', async () => {
    const connector = pages({
      records: [record],
      position: 1,
      isPart: true,
      async *ahead() {
        yield { records: [{ ...record, naturalKey: '' }] };
        yield 'no page';
      },
    });
    const [first] = (await pollAll(connector, source, http)).pages;
    const ahead = first!.ahead!()[Symbol.asyncIterator]();
    expect((await ahead.next()).value).toMatchObject({ records: [], invalid: [{ reason: 'bad_record' }] });
    await expect(ahead.next()).rejects.toThrow('a page must be');
  });

  it('makes of any value a record of the port or an invalid row, and never throws', () => {
    const type = fc.constantFrom(...recordTypes, undefined, 'other');
    const value = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true }),
      fc.record({ type, naturalKey: fc.anything(), observedAtMs: fc.anything(), data: fc.anything() }),
      fc.record({
        type,
        naturalKey: fc.string(),
        observedAtMs: fc.double(),
        data: fc.dictionary(fc.string(), fc.anything()),
      }),
    );
    fc.assert(
      fc.property(value, (given) => {
        const made: unknown = ownRecord(given);
        // One of the two, as it says.
        const row = made as SourceRecord;
        const isSound = isInvalidRow(row)
          ? row.message !== ''
          : recordTypes.includes(row.type) && row.naturalKey !== '' && Number.isFinite(row.observedAtMs);
        expect(isSound).toBe(true);
      }),
    );
  });
});
