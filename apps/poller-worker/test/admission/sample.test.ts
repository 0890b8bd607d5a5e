import type { PreparedRecord } from '@stream-manager/shared/records/payload';
import { describe, expect, it } from 'vitest';
import { sampleOf } from '../../src/admission/sample.ts';

const recordOf = (value: unknown): PreparedRecord => ({
  id: Buffer.alloc(16),
  hash: Buffer.alloc(8),
  eventTimeMs: 0,
  key: '',
  value: Buffer.from(JSON.stringify(value)),
});

describe('the sample of a chunk', () => {
  it('is its first three records', () => {
    expect(sampleOf([1, 2, 3, 4].map((n) => recordOf({ n })))).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('leaves out what would make the job large', () => {
    expect(sampleOf([recordOf({ polygon: 'x'.repeat(5000) }), recordOf({ n: 2 })])).toEqual([{ n: 2 }]);
  });

  it('is empty for records that are all large', () => {
    expect(sampleOf([recordOf('x'.repeat(5000))])).toEqual([]);
  });
});
