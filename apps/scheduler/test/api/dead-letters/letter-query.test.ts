import { describe, expect, it } from 'vitest';
import { writeCursor, writeRange } from '../../../src/api/dead-letters/letter-order.ts';
import { readActQuery, readListQuery } from '../../../src/api/dead-letters/letter-query.ts';

const now = Date.parse('2026-05-01T12:00:00.000Z');
const known = { now, sources: new Set(['firms', 'alerts']) };
const place = { failedAt: 5, source: 'firms', id: 'a-b-0' };

describe('a query for a list', () => {
  it('has 100 letters a page unless it says otherwise', () => {
    expect(readListQuery({}, known)).toEqual({ filter: {}, limit: 100, cursor: null });
  });

  it('reads every field', () => {
    const fields = { source: 'firms', code: 'too_large', since: '2h', limit: '1000', cursor: writeCursor(place) };
    expect(readListQuery(fields, known)).toEqual({
      filter: { source: 'firms', code: 'too_large', since: now - 7_200_000 },
      limit: 1_000,
      cursor: place,
    });
  });

  it.each(['2026-04-30', '2026-04-30T00:00:00Z', '2026-04-30T02:00:00.000+02:00'])('takes %s for since', (since) => {
    expect(readListQuery({ since }, known)).toMatchObject({ filter: { since: Date.parse('2026-04-30') } });
  });

  it.each([
    { fields: { source: 'nobody' }, error: /^source: there is no source "nobody"$/ },
    { fields: { source: ['firms', 'alerts'] }, error: /^source: may be given once, but is a list$/ },
    { fields: { code: '' }, error: /^code: expected a text of 1 to 200 characters, not ""$/ },
    { fields: { since: 'yesterday' }, error: /^since: expected a time such as .*, not "yesterday"$/ },
    { fields: { since: '2026-13-01' }, error: /^since: / },
    { fields: { limit: '0' }, error: /^limit: expected a whole number from 1 to 1000, not "0"$/ },
    { fields: { limit: '1001' }, error: /^limit: expected a whole number from 1 to 1000, not "1001"$/ },
    { fields: { limit: 'many' }, error: /^limit: expected a whole number from 1 to 1000, not "many"$/ },
    { fields: { cursor: 'nonsense' }, error: /^cursor: expected the "next" of an earlier answer$/ },
    { fields: { sorce: 'firms' }, error: /^sorce: unknown field; known are source, code, since, limit, cursor$/ },
  ])('with $fields is refused by name', ({ fields, error }) => {
    expect(readListQuery(fields, known)).toEqual({ error: expect.stringMatching(error) });
  });
});

describe('a query for an act', () => {
  it('reads every field', () => {
    const body = { source: 'firms', ids: ['a', 'b', 'a'], limit: 5, dryRun: true };
    expect(readActQuery(body, known)).toEqual({
      filter: { source: 'firms', ids: ['a', 'b'] },
      limit: 5,
      cursor: null,
      until: null,
      dryRun: true,
    });
    expect(readActQuery({ all: true }, known)).toEqual({
      filter: {},
      limit: null,
      cursor: null,
      until: null,
      dryRun: false,
    });
  });

  it('takes until from a dry run, which may count more letters than an act works through', () => {
    const until = { newest: place, oldest: { ...place, failedAt: 3 } };
    const body = { all: true, limit: 1_000, cursor: writeCursor(place), until: writeRange(until) };
    expect(readActQuery(body, known)).toMatchObject({ cursor: place, until });
    const large = { all: true, limit: 50_000 };
    expect(readActQuery({ ...large, dryRun: true }, known)).toMatchObject({ limit: 50_000 });
    expect(readActQuery(large, known)).toMatchObject({ error: expect.stringMatching(/^limit: /) });
  });

  it.each([
    { body: undefined, error: /^body: expected a JSON object/ },
    { body: [], error: /^body: expected a JSON object/ },
    { body: {}, error: /^all: give at least one of/ },
    { body: { limit: 10, dryRun: true }, error: /^all: give at least one of/ },
    { body: { all: false }, error: /^all: give at least one of/ },
    { body: { all: 'yes' }, error: /^all: expected true or false, not "yes"$/ },
    { body: { all: true, dryrun: true }, error: /^dryrun: unknown field/ },
    { body: { until: writeRange({ newest: place, oldest: null }) }, error: /^all: give at least one of/ },
    { body: { all: true, until: 'x' }, error: /^until: expected the "until" that a dry run answered$/ },
    { body: { all: true, dryRun: 1 }, error: /^dryRun: expected true or false, not 1$/ },
    { body: { ids: [] }, error: /^ids: expected a list of 1 to 1000 ids$/ },
    { body: { ids: 'a' }, error: /^ids: expected a list/ },
    { body: { ids: [1] }, error: /^ids: expected a text/ },
    { body: { source: 'firms', limit: 1.5 }, error: /^limit: expected a whole number/ },
  ])('with $body is refused by name', ({ body, error }) => {
    expect(readActQuery(body, known)).toEqual({ error: expect.stringMatching(error) });
  });
});
