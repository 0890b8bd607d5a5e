import { describe, expect, it } from 'vitest';
import { readLetters, renderLetters } from '../../src/dead-letters/list.ts';
import { createLetterProgress } from '../../src/dead-letters/progress.ts';
import { findLetter, renderLetter } from '../../src/dead-letters/show.ts';
import { memoryLetters } from './memory-letters.ts';

describe('dead-letters list', () => {
  it('reads 100 unless it is told otherwise, page by page', async () => {
    const { api } = memoryLetters(2_500);
    expect((await readLetters(api, { selection: {}, limit: null })).deadLetters).toHaveLength(100);
    const many = await readLetters(api, { selection: {}, limit: 2_300 });
    expect(many.deadLetters.map(({ id }) => id)).toEqual(
      Array.from({ length: 2_300 }, (_, n) => `letter-${2_499 - n}`),
    );
    expect((await readLetters(api, { selection: { source: 'odd' }, limit: 9_999 })).deadLetters).toHaveLength(1_250);
  });

  it('shows a line for each letter, and how many there are', async () => {
    const { api } = memoryLetters(3);
    const text = renderLetters(
      { ...(await readLetters(api, { selection: {}, limit: 2 })), waiting: 1 },
      { isWhole: false },
    );
    expect(text).toMatch(/^letter-2\s+even\s+publish_failed\s+2026-01-01T00:00:00.000Z\s+1\s+0\s+refused 2$/m);
    expect(text).toContain('\n\n2 of 3 dead letters; 1 not listed, waiting for a run');
    const none = { total: 0, waiting: 0, deadLetters: [], next: null };
    expect(renderLetters(none, { isWhole: false })).toBe('0 of 0 dead letters\n');
  });

  it('cuts a long reason on a terminal, and nowhere else', async () => {
    const { api } = memoryLetters(1);
    const answer = await readLetters(api, { selection: {}, limit: 1 });
    const reason = `refused\nbecause ${'x'.repeat(500)} end`;
    const long = { ...answer, deadLetters: answer.deadLetters.map((letter) => ({ ...letter, reason })) };
    expect(renderLetters(long, { isWhole: false })).toMatch(/ refused because x{63}…$/m);
    expect(renderLetters(long, { isWhole: true })).toMatch(/ refused because x{500} end$/m);
  });
});

describe('dead-letters show', () => {
  it('finds a letter in whatever source it is, and shows all of it', async () => {
    const { api } = memoryLetters(3);
    const text = renderLetter(await findLetter(api, { ids: ['letter-2'], selection: {} }));
    expect(text).toContain('source        even\n');
    expect(text).toContain('sends         1\n  2026-01-01T00:00:00.000Z  refused\n');
    expect(text).toContain('record\n{\n  "n": 2\n}\n');
  });

  it.each([
    { ids: [], selection: {}, text: /name one id/ },
    { ids: ['a', 'b'], selection: {}, text: /name one id/ },
    { ids: ['nobody'], selection: {}, text: /^there is no dead letter "nobody"$/ },
    { ids: ['letter-2'], selection: { source: 'odd' }, text: /^there is no dead letter "letter-2" of "odd"$/ },
  ])('of $ids is refused', async ({ ids, selection, text }) => {
    const { api } = memoryLetters(3);
    await expect(findLetter(api, { ids, selection })).rejects.toThrow(text);
  });
});

describe('progress', () => {
  it('is a bar on a terminal', () => {
    const written: string[] = [];
    const progress = createLetterProgress((text) => void written.push(text), true);
    progress.update({ done: 5, of: 10, failed: 0 });
    progress.update({ done: 5, of: 10, failed: 2 });
    progress.end();
    const bar = `\r\u001B[2K${'█'.repeat(15)}${'░'.repeat(15)}  50 %`;
    expect(written).toEqual([`${bar}  5 of 10`, `${bar}  5 of 10, 2 failed`, '\n']);
  });

  it('is a line per tenth elsewhere', () => {
    const written: string[] = [];
    const progress = createLetterProgress((text) => void written.push(text), false);
    for (let done = 1; done <= 100; done += 1) progress.update({ done, of: 100, failed: 0 });
    progress.end();
    expect(written).toHaveLength(10);
    expect(written.at(-1)).toBe('100 of 100\n');
  });
});
