import { describe, expect, it } from 'vitest';
import { createChunkId } from '../../src/queues/chunk-id.ts';

describe('createChunkId', () => {
  it('gives ids that BullMQ takes as job ids: short, no colon, not digits alone', () => {
    for (let count = 0; count < 1000; count++) expect(createChunkId()).toMatch(/^c[A-Za-z0-9_-]{16}$/);
  });

  it('never gives an id twice', () => {
    expect(new Set(Array.from({ length: 20_000 }, createChunkId)).size).toBe(20_000);
  });
});
