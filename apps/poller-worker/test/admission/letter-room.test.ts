import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { expect, it } from 'vitest';
import { lettersThatFit } from '../../src/admission/letter-room.ts';

// Of a letter only the bytes of its data count.
const letters = Array.from({ length: 5 }, () => ({
  jobId: 'x',
  data: { raw: 'r'.repeat(90) },
})) as unknown as DeadLetter[];
const bytesOfOne = JSON.stringify(letters[0]?.data).length;

it.each([
  { name: 'room for all', stock: { letters: 0, bytes: 0 }, maxRecords: 5, maxBytes: 1e6, fitting: 5 },
  { name: 'room for two', stock: { letters: 3, bytes: 300 }, maxRecords: 5, maxBytes: 1e6, fitting: 2 },
  { name: 'no room', stock: { letters: 5, bytes: 500 }, maxRecords: 5, maxBytes: 1e6, fitting: 0 },
  { name: 'too many already', stock: { letters: 9, bytes: 900 }, maxRecords: 5, maxBytes: 1e6, fitting: 0 },
  {
    name: 'bytes for two, and one to reach the limit',
    stock: { letters: 0, bytes: 0 },
    maxRecords: 9,
    maxBytes: 2 * bytesOfOne + 1,
    fitting: 3,
  },
])('$name: $fitting of five letters fit', ({ stock, maxRecords, maxBytes, fitting }) => {
  const room = lettersThatFit(letters, stock, { maxRecords, maxBytes });
  expect(room.fitting).toBe(fitting);
  expect(room.reason === null).toBe(fitting === 5);
});
