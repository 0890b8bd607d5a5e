import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CopiedBody, largestCopyBytes, startCopy, unpackCopy } from '../../src/http/answer-copy.ts';
import { createRedactor } from '../../src/http/secrets.ts';

const copyOf = async (pieces: readonly Buffer[], secret = '', isKept = true): Promise<CopiedBody> => {
  const copy = startCopy({ redact: createRedactor([secret]), isKept });
  for (const piece of pieces) await copy.add(piece);
  return copy.end();
};

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url');

/** The body cut at random places. */
const cut = (body: Buffer, at: readonly number[]): readonly Buffer[] => {
  const places = [
    0,
    ...at.map((place) => place % (body.length + 1)).toSorted((one, other) => one - other),
    body.length,
  ];
  return places.slice(1).map((to, index) => body.subarray(places[index], to));
};

describe('a copy', () => {
  it('is what was read, however it was cut, and no larger than a little more than it', async () => {
    const body = fc
      .tuple(fc.uint8Array({ maxLength: 5_000 }), fc.integer({ min: 0, max: 30 }))
      .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));
    await fc.assert(
      fc.asyncProperty(body, fc.array(fc.nat(), { maxLength: 20 }), async (bytes, at) => {
        const copied = await copyOf(cut(bytes, at));
        expect(copied).toMatchObject({ answer: hashOf(bytes), bodyBytes: bytes.length });
        const { kept } = copied;
        if (kept === null) throw new Error('not kept');
        expect(kept.bytes.length).toBeLessThanOrEqual(bytes.length + 1_000);
        expect(await unpackCopy(kept.bytes, kept.isPacked, copied.answer)).toEqual(bytes);
      }),
    );
  });

  it.each([
    { bytes: 16 * 1024, isPacked: false },
    { bytes: 16 * 1024 + 1, isPacked: true },
    { bytes: largestCopyBytes, isPacked: true },
  ])('of $bytes bytes is packed: $isPacked', async ({ bytes, isPacked }) => {
    expect((await copyOf([Buffer.alloc(bytes, 'a')])).kept?.isPacked).toBe(isPacked);
  });

  it('of a body that is too large, or that nobody wants, is only its hash', async () => {
    const large = [Buffer.alloc(largestCopyBytes, 'a'), Buffer.from('a')];
    expect(await copyOf(large)).toEqual({
      answer: hashOf(Buffer.concat(large)),
      bodyBytes: largestCopyBytes + 1,
      kept: null,
    });
    expect((await copyOf([Buffer.from('a')], '', false)).kept).toBeNull();
  });

  it('of a body with a secret in any form is only its hash, wherever the pieces are cut', async () => {
    const secret = 'a secret/kéy+1';
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')];
    const body = fc.record({ form: fc.constantFrom(...forms), before: fc.nat(40_000), after: fc.nat(4_000) });
    await fc.assert(
      fc.asyncProperty(body, fc.array(fc.nat(), { maxLength: 8 }), async ({ form, before, after }, at) => {
        const bytes = Buffer.from(`${'x'.repeat(before)}${form}${'é'.repeat(after)}`);
        expect((await copyOf(cut(bytes, at), secret)).kept).toBeNull();
      }),
    );
  });

  it('holds nothing after it was dropped, and can be ended all the same', async () => {
    const copy = startCopy({ redact: (text) => text, isKept: true });
    await copy.add(Buffer.alloc(100_000));
    copy.drop();
    copy.drop();
    await copy.add(Buffer.from('a'));
    expect((await copy.end()).kept).toBeNull();
    copy.drop();
  });

  it('that was damaged is not taken', async () => {
    const { answer, kept } = await copyOf([Buffer.alloc(100_000, 'a')]);
    if (kept === null) throw new Error('not kept');
    await expect(unpackCopy(kept.bytes.subarray(0, -20), true, answer)).rejects.toThrow('unexpected end of file');
    await expect(unpackCopy(Buffer.from('another'), false, answer)).rejects.toMatchObject({
      code: 'response_unreadable',
    });
  });
});
