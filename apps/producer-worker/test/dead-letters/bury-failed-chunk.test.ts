import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import type { FailedJob } from '@stream-manager/shared/queues/failed-chunks';
import { emptyBitmap, setBit } from '@stream-manager/shared/records/bitmap';
import { describe, expect, it } from 'vitest';
import { buryFailedChunk } from '../../src/dead-letters/bury-failed-chunk.ts';
import { fakeStore, noon, takenChunk } from '../chunks.ts';

const setup = (
  taken: ReturnType<typeof takenChunk> | null,
  failed: FailedJob | null = { reason: 'stalled', failedAt: noon },
  { full = null, room = Number.POSITIVE_INFINITY }: { readonly full?: string | null; readonly room?: number } = {},
) => {
  const store = fakeStore(taken);
  const letters: DeadLetter[] = [];
  const bury = () =>
    buryFailedChunk(
      {
        store,
        queues: {
          addLetters: async (_sourceId, added) => {
            const fitting = added.slice(0, room);
            store.acts.push(`letters ${fitting.length}`);
            letters.push(...fitting);
            const isAll = fitting.length === added.length;
            return { lie: added.map((_letter, index) => index < room), full: isAll ? null : 'too many' };
          },
          failed: {
            claim: async () => {
              store.acts.push('claim');
              return failed;
            },
            release: async () => void store.acts.push('release'),
          },
        },
        lettersFull: async () => full,
        topicOf: () => 'fires',
      },
      'firms',
      'chunk-1',
    );
  return { bury, acts: store.acts, letters };
};

describe('buryFailedChunk', () => {
  it('claims the chunk, makes a letter of each record that is not done, and settles, in this order', async () => {
    const done = emptyBitmap(3);
    setBit(done, 1);
    const { bury, acts, letters } = setup(takenChunk(3, { done }));
    expect(await bury()).toEqual({ kind: 'buried', letters: 2 });
    expect(acts).toEqual(['claim', 'letters 2', 'settle all (0)']);
    expect(letters.map(({ data }) => data)).toMatchObject([
      {
        code: 'publish_failed',
        reason: 'stalled',
        topic: 'fires',
        record: { data: { index: 0 } },
        lastFailedAt: '2026-05-01T12:00:00.000Z',
      },
      { record: { data: { index: 2 } } },
    ]);
  });

  it('keeps a damaged payload as one letter with its bytes, bounded', async () => {
    const payload = Buffer.alloc(100_000, 1);
    const { bury, acts, letters } = setup(takenChunk(3, { payload }), { reason: 'damaged', failedAt: noon });
    expect(await bury()).toEqual({ kind: 'buried', letters: 1 });
    expect(acts).toEqual(['claim', 'letters 1', 'settle all (0)']);
    const raw = letters[0]?.data.raw ?? '';
    expect(raw).toHaveLength(65_536);
    expect(Buffer.from(raw, 'base64').equals(payload.subarray(0, 49_152))).toBe(true);
    expect(letters[0]?.data).toMatchObject({ code: 'payload_damaged', reason: 'damaged (3 records, 100000 bytes)' });
    expect(letters[0]?.jobId).toMatch(/^[\w-]{22}-[0-9a-f]{6}-0$/);
  });

  it('gives a payload of a later version a new job instead', async () => {
    const payload = Buffer.from(takenChunk(1).payload);
    payload.writeUInt8(2, 0);
    const { bury, acts } = setup(takenChunk(1, { payload }));
    expect(await bury()).toEqual({ kind: 'requeued' });
    expect(acts).toEqual(['claim', 'release']);
  });

  it('has nothing to do for a chunk that is settled meanwhile', async () => {
    const { bury, acts } = setup(null);
    expect(await bury()).toEqual({ kind: 'gone' });
    expect(acts).toEqual(['claim']);
  });

  it('leaves a chunk alone whose job is not failed any more', async () => {
    const { bury, acts } = setup(takenChunk(1), null);
    expect(await bury()).toEqual({ kind: 'gone' });
    expect(acts).toEqual(['claim']);
  });

  it('leaves the chunk to the next sweep while there is no room for its letters', async () => {
    const { bury, acts } = setup(takenChunk(2), undefined, { full: 'too many' });
    expect(await bury()).toEqual({ kind: 'waiting' });
    expect(acts).toEqual([]);
  });

  it.each([
    { room: 2, acts: ['claim', 'letters 2', 'settle 0,1 (0)'] },
    { room: 0, acts: ['claim', 'letters 0'] },
  ])('leaves what finds no room to the next sweep, where there is room for $room of 3', async ({ room, acts }) => {
    const part = setup(takenChunk(3), undefined, { room });
    expect(await part.bury()).toEqual({ kind: 'waiting' });
    expect(part.acts).toEqual(acts);
  });

  it('keeps a damaged payload until there is room for its letter', async () => {
    const { bury, acts } = setup(takenChunk(3, { payload: Buffer.alloc(100, 1) }), undefined, { room: 0 });
    expect(await bury()).toEqual({ kind: 'waiting' });
    expect(acts).toEqual(['claim', 'letters 0']);
  });
});
