import { describe, expect, it } from 'vitest';
import { readPollDelay } from '../../src/schedules/poll-delays.ts';

const delayed = {
  by: 'room',
  reason: 'the queue is full',
  since: '2026-05-01T12:00:00.000Z',
  until: '2026-05-01T12:00:10.000Z',
};

describe('readPollDelay', () => {
  it('reads what a poller has noted in a poll job', () => {
    expect(readPollDelay(JSON.stringify({ sourceId: 'a', scheduledFor: 1, delayed }))).toEqual(delayed);
  });

  it.each([
    { name: 'no note', json: '{"sourceId":"a","scheduledFor":1}' },
    { name: 'a note without a reason', json: JSON.stringify({ delayed: { ...delayed, reason: undefined } }) },
    { name: 'another kind of note', json: '{"delayed":true}' },
    { name: 'no object', json: '"delayed"' },
    { name: 'no JSON', json: '{' },
    { name: 'no data', json: null },
  ])('finds none in $name', ({ json }) => {
    expect(readPollDelay(json)).toBeNull();
  });
});
