// The stock of dead letters on a real Redis: the number is exact in every state, the bytes follow adds and measures.
import { describe, expect, it } from 'vitest';
import { letterOf, openLetters } from './letter-bundle.ts';

const sizeOf = (letters: readonly { readonly data: unknown }[]): number =>
  letters.reduce((sum, { data }) => sum + Buffer.byteLength(JSON.stringify(data)), 0);

describe('the stock of dead letters', () => {
  it('is nothing for a source that never had one', async () => {
    await using part = openLetters(['a', 'b']);
    expect(await part.stocks.read(['a', 'b'])).toEqual(
      new Map([
        ['a', { letters: 0, bytes: 0 }],
        ['b', { letters: 0, bytes: 0 }],
      ]),
    );
  });

  it('counts letters in every state, and their bytes as they are added', async () => {
    await using part = openLetters(['a', 'b']);
    const letters = Array.from({ length: 450 }, (_, n) => letterOf('a', n));
    await part.add(letters);
    await part.add([letterOf('b', 1)]);
    const expected = { letters: 450, bytes: sizeOf(letters) };
    expect((await part.stocks.read(['a', 'b'])).get('a')).toEqual(expected);
    await part.failAll('a');
    expect(await part.stocks.read(['a', 'b'])).toEqual(
      new Map([
        ['a', expected],
        ['b', { letters: 1, bytes: sizeOf([letterOf('b', 1)]) }],
      ]),
    );
    await part.queue('a').add('publish_failed', letters[0]!.data, { jobId: 'later', delay: 3_600_000 });
    await part.queue('a').add('publish_failed', letters[0]!.data, { jobId: 'ranked', priority: 3 });
    expect((await part.stocks.read(['a'])).get('a')?.letters).toBe(452);
  });

  it('notices with a measure what was removed behind its back, and what was added twice', async () => {
    await using part = openLetters();
    const letters = Array.from({ length: 1_300 }, (_, n) => letterOf('firms', n));
    await part.add(letters);
    await part.failAll();
    await part.add(letters.slice(0, 300));
    const waiting = Array.from({ length: 700 }, (_, n) => letterOf('firms', 5_000 + n));
    await part.add(waiting);
    for (const { jobId } of letters.slice(0, 200)) await part.queue().remove(jobId);
    const left = [...letters.slice(200), ...waiting];
    expect(await part.stocks.measure('firms')).toEqual({ letters: 1_800, bytes: sizeOf(left) });
    const { stock, last } = (await part.stocks.measures(['firms'])).get('firms')!;
    expect(stock).toEqual({ letters: 1_800, bytes: sizeOf(left) });
    expect(last).toEqual({ letters: 1_800, at: expect.any(Number) });
  });

  it('has no bytes as soon as the last letter is gone', async () => {
    await using part = openLetters();
    await part.add([letterOf('firms', 1)]);
    await part.queue().obliterate({ force: true });
    expect((await part.stocks.read(['firms'])).get('firms')).toEqual({ letters: 0, bytes: 0 });
  });

  it('names a job after the code of its letter', async () => {
    await using part = openLetters();
    await part.add([letterOf('firms', 1, { code: 'too_large' })]);
    expect((await part.queue().getJob('letter-1-0'))?.name).toBe('too_large');
  });
});
