import { type PriorityClass, priorityClasses } from '@stream-manager/shared/records/priority';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkSizes, cutChunks } from '../../src/admission/chunks.ts';
import type { AdmissibleRecord } from '../../src/admission/prepare.ts';

const recordOf = (index: number, priority: PriorityClass, bytes = 10): AdmissibleRecord => ({
  id: Buffer.alloc(16, index),
  hash: Buffer.alloc(8),
  eventTimeMs: index,
  key: String(index),
  value: Buffer.alloc(bytes),
  priority,
});

const records = fc
  .array(fc.tuple(fc.constantFrom(...priorityClasses), fc.integer({ min: 0, max: 60 })), { maxLength: 80 })
  .map((pairs) => pairs.map(([priority, bytes], index) => recordOf(index, priority, bytes)));

describe('chunks', () => {
  it('concatenated are the records, by class, in their order', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200 }), (all, size, bytes) => {
        const joined = cutChunks(all, { records: size, criticalRecords: Math.ceil(size / 2), bytes }).flatMap(
          (chunk) => chunk.records,
        );
        const sorted = priorityClasses.flatMap((priority) => all.filter((record) => record.priority === priority));
        expect(joined).toEqual(sorted);
      }),
    );
  });

  it('hold one class each, at least one record, and no more than their size', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200 }), (all, size, bytes) => {
        for (const chunk of cutChunks(all, { records: size, criticalRecords: Math.ceil(size / 2), bytes })) {
          const sum = chunk.records.reduce((total, record) => total + record.value.length, 0);
          expect(chunk.records.every((record) => record.priority === chunk.priority)).toBe(true);
          expect(chunk.records.length).toBeGreaterThan(0);
          expect(chunk.records.length).toBeLessThanOrEqual(chunk.priority === 1 ? Math.ceil(size / 2) : size);
          expect(sum <= bytes || chunk.records.length === 1).toBe(true);
        }
      }),
    );
  });

  it('come with the critical ones first', () => {
    const mixed = [recordOf(1, 4), recordOf(2, 1), recordOf(3, 3), recordOf(4, 2), recordOf(5, 1)];
    expect(
      cutChunks(mixed, { records: 500, criticalRecords: 500, bytes: 1_000_000 }).map((chunk) => chunk.priority),
    ).toEqual([1, 2, 3, 4]);
  });

  it('are full but for the last of a class', () => {
    const all = Array.from({ length: 1201 }, (_value, index) => recordOf(index % 256, 3));
    const sizes = cutChunks(all, { records: 500, criticalRecords: 500, bytes: 1_000_000 }).map(
      (chunk) => chunk.records.length,
    );
    expect(sizes).toEqual([500, 500, 201]);
  });

  it('are none for no records', () => {
    expect(cutChunks([], { records: 500, criticalRecords: 500, bytes: 1000 })).toEqual([]);
  });

  it.each([
    { name: 'of one size while the reserve holds one', chunkSize: 500, criticalReserve: 500, criticalRecords: 500 },
    {
      name: 'smaller when critical, so that they fit into the reserve',
      chunkSize: 500,
      criticalReserve: 100,
      criticalRecords: 100,
    },
    { name: 'of one size without a reserve', chunkSize: 50, criticalReserve: 0, criticalRecords: 50 },
  ])('are $name', ({ chunkSize, criticalReserve, criticalRecords }) => {
    expect(chunkSizes(chunkSize, criticalReserve)).toEqual({ records: chunkSize, criticalRecords });
  });
});
