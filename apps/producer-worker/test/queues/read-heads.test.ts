import { describe, expect, it } from 'vitest';
import { headOf } from '../../src/queues/read-heads.ts';

describe('headOf', () => {
  it.each([
    { name: 'nothing', waiting: 0, score: null, head: null },
    { name: 'a critical chunk', waiting: 0, score: 2 ** 32 + 7, head: 1 },
    { name: 'a given-back chunk of class low', waiting: 0, score: 4 * 2 ** 32, head: 4 },
    { name: 'a chunk of a killed worker before all', waiting: 1, score: 2 ** 32 + 7, head: 0 },
    { name: 'a job that somebody added with a priority of his own', waiting: 0, score: 99 * 2 ** 32, head: 4 },
  ])('$name: $head', ({ waiting, score, head }) => {
    expect(headOf(waiting, score)).toBe(head);
  });
});
