import { describe, expect, it } from 'vitest';
import { wantedConcurrency } from '../../src/queues/open-records-queue.ts';

describe('wantedConcurrency', () => {
  it.each([
    { name: 'one at first', chunks: 0, records: 0, expected: 1 },
    { name: 'one more than is held while there is room', chunks: 3, records: 1_500, expected: 4 },
    { name: 'as many as are held when there is no room', chunks: 5, records: 2_500, expected: 5 },
    { name: 'never none', chunks: 0, records: 2_500, expected: 1 },
  ])('$name', ({ chunks, records, expected }) => {
    expect(wantedConcurrency(chunks, records, 2_500)).toBe(expected);
  });
});
