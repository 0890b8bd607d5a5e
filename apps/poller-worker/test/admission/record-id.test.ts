import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash, idText, invalidRowId, recordId } from '../../src/admission/record-id.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

describe('record ids', () => {
  it('are the first 16 bytes of SHA-256 over source id, NUL and natural key, as 22 base64url characters', () => {
    const id = recordId('firms-california', 'N|VIIRS|39.7596');
    expect(id).toEqual(sha256('firms-california\0N|VIIRS|39.7596').subarray(0, 16));
    expect(idText(id)).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });

  it('do not change from one version of this code to the next', () => {
    expect(idText(recordId('noaa-stations', 'KSFO|2026-01-04T09:02:00.000Z'))).toBe('s45MOAnGxTAcCORof2-QoA');
  });

  it('are the same for the same reading and differ between sources', () => {
    fc.assert(
      fc.property(fc.string(), (naturalKey) => {
        expect(recordId('a', naturalKey)).toEqual(recordId('a', naturalKey));
        expect(recordId('a', naturalKey)).not.toEqual(recordId('b', naturalKey));
      }),
    );
  });

  it('take text outside of ASCII as UTF-8', () => {
    expect(recordId('a', 'Ñuñoa 🔥')).toEqual(sha256('a\0Ñuñoa 🔥').subarray(0, 16));
  });
});

describe('content hashes', () => {
  it('are the first 8 bytes of SHA-256', () => {
    expect(contentHash('{"a":1}')).toEqual(sha256('{"a":1}').subarray(0, 8));
  });
});

describe('ids of invalid rows', () => {
  it('depend on source and raw text alone', () => {
    expect(invalidRowId('a', '1,2,x')).toEqual(invalidRowId('a', '1,2,x'));
    expect(invalidRowId('a', '1,2,x').id).not.toEqual(invalidRowId('a', '1,2,y').id);
    expect(invalidRowId('a', '1,2,x').id).not.toEqual(invalidRowId('b', '1,2,x').id);
  });

  it('never take the place of a record whose natural key reads like the row', () => {
    expect(invalidRowId('a', 'KSFO|1').id).not.toEqual(recordId('a', 'KSFO|1'));
  });
});
