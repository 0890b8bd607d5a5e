import { describe, expect, it } from 'vitest';
import { areConditional, conditionOf, versionOf } from '../../src/http/answer-version.ts';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toUTCString();

describe('the version of an answer', () => {
  it.each([
    { name: 'an ETag', headers: { etag: '"a"' }, version: { etag: '"a"' } },
    { name: 'a weak ETag', headers: { etag: ' W/"a" ' }, version: { etag: 'W/"a"' } },
    { name: 'an ETag that is none by the book', headers: { etag: 'abc' }, version: { etag: 'abc' } },
    {
      name: 'an ETag before a time',
      headers: { etag: '"a"', 'last-modified': at(1), date: at(9) },
      version: { etag: '"a"' },
    },
    {
      name: 'a time that is a second old',
      headers: { 'last-modified': at(1), date: at(2) },
      version: { lastModified: at(1) },
    },
    { name: 'no time within which more may come', headers: { 'last-modified': at(2), date: at(2) }, version: {} },
    { name: 'no time of the future', headers: { 'last-modified': at(3), date: at(2) }, version: {} },
    { name: 'no time without a date', headers: { 'last-modified': at(1) }, version: {} },
    { name: 'no time that cannot be read', headers: { 'last-modified': 'yesterday', date: at(2) }, version: {} },
    { name: 'no empty ETag', headers: { etag: '' }, version: {} },
    { name: 'no ETag that is too long', headers: { etag: 'a'.repeat(513) }, version: {} },
    { name: 'no ETag that no header can carry', headers: { etag: '"é\u0001"' }, version: {} },
    { name: 'nothing', headers: {}, version: {} },
  ])('is $name', ({ headers, version }) => {
    expect(versionOf(headers)).toEqual(version);
  });

  it('is asked by as it was named', () => {
    expect(conditionOf({ etag: 'W/"a"' })).toEqual({ 'if-none-match': 'W/"a"' });
    expect(conditionOf({ lastModified: at(1) })).toEqual({ 'if-modified-since': at(1) });
    expect(conditionOf({})).toBeNull();
  });
});

it('headers with a condition of their own are known in any spelling', () => {
  expect(areConditional({ 'If-None-Match': '"a"' })).toBe(true);
  expect(areConditional({ accept: 'text/csv' })).toBe(false);
});
