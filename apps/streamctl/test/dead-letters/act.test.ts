import { describe, expect, it } from 'vitest';
import { actOnLetters } from '../../src/dead-letters/act.ts';
import { exitCodeOf, renderResult } from '../../src/dead-letters/act-result.ts';
import type { LetterOptions } from '../../src/dead-letters/options.ts';
import { UsageError } from '../../src/usage-error.ts';
import { memoryLetters } from './memory-letters.ts';

const none: LetterOptions = {
  selection: {},
  ids: [],
  all: false,
  limit: null,
  rate: null,
  dryRun: false,
  yes: false,
  json: false,
};

const setup = (count: number, broken: readonly string[] = []) => {
  const memory = memoryLetters(count, broken);
  const clock = { now: 0 };
  const pauses: number[] = [];
  const shown: string[] = [];
  const stop = new AbortController();
  const questions: string[] = [];
  const part = {
    ...memory,
    onPause: (_pauses: number): void => {},
    onQuestion: (): void => {},
    pauses,
    shown,
    questions,
    stop,
    act: (act: 'replay' | 'discard', options: Partial<LetterOptions>, answer: boolean | null = null) =>
      actOnLetters(
        {
          api: memory.api,
          progress: { update: ({ done, of, failed }) => void shown.push(`${done}/${of}/${failed}`), end: () => {} },
          confirm:
            answer === null
              ? null
              : async (question) => {
                  questions.push(question);
                  part.onQuestion();
                  return answer;
                },
          pause: async (ms) => {
            pauses.push(ms);
            clock.now += ms;
            part.onPause(pauses.length);
          },
          now: () => clock.now,
          signal: stop.signal,
        },
        act,
        { ...none, ...options },
      ),
  };
  return part;
};

describe('replay and discard', () => {
  it('go on call by call until all are done, past one that fails', async () => {
    const part = setup(1_200, ['letter-700']);
    const result = await part.act('replay', { all: true });
    expect(result).toMatchObject({ matched: 1_200, done: 1_199, failed: [{ id: 'letter-700' }], end: 'finished' });
    expect(part.calls.map(({ limit }) => limit)).toEqual([undefined, 500, 500, 200]);
    expect(part.shown).toEqual(['500/1200/1', '1000/1200/1', '1200/1200/1']);
    expect(part.lying.map(({ id }) => id)).toEqual(['letter-700']);
    expect(exitCodeOf(result)).toBe(1);
    expect(renderResult(result)).toBe(
      'replayed 1199 of 1200 dead letters\n! even letter-700: its job has lost its data\n',
    );
  });

  it('only count with a dry run', async () => {
    const part = setup(30);
    const result = await part.act('discard', { selection: { source: 'odd' }, dryRun: true });
    expect(part.calls).toEqual([{ source: 'odd', dryRun: true }]);
    expect(renderResult(result)).toBe('15 dead letters would be discarded\n');
    expect(exitCodeOf(result)).toBe(0);
    expect(await part.act('replay', { all: true, limit: 4, dryRun: true })).toMatchObject({ matched: 4 });
  });

  it('stop at the limit', async () => {
    const part = setup(1_200);
    expect(await part.act('replay', { all: true, limit: 700 })).toMatchObject({ matched: 700, done: 700 });
    expect(part.calls.map(({ limit }) => limit)).toEqual([700, 500, 200]);
  });

  it.each([
    { name: 'all of them', options: { all: true }, confirmed: 5, left: [] },
    { name: 'the newest', options: { all: true, limit: 2 }, confirmed: 2, left: [2, 1, 0] },
    { name: 'some by id', options: { ids: ['letter-3', 'letter-1'] }, confirmed: 2, left: [4, 2, 0] },
  ])('are done to no letter that fails while the operator thinks: $name', async ({ options, confirmed, left }) => {
    const part = setup(5);
    part.onQuestion = () => part.fail(300);
    const result = await part.act('discard', options, true);
    expect(part.questions).toEqual([`Discard ${confirmed} dead letters for good?`]);
    expect(result).toMatchObject({ matched: confirmed, done: confirmed, failed: [], end: 'finished' });
    expect(part.lying.map(({ id }) => id).slice(300)).toEqual(left.map((n) => `letter-${n}`));
    expect(part.lying.slice(0, 300).every(({ id }) => Number(id.slice('letter-'.length)) >= 5)).toBe(true);
  });

  it('take no other letter in the place of one that went meanwhile', async () => {
    const part = setup(5);
    part.onQuestion = () => void part.lying.splice(1, 1);
    const result = await part.act('discard', { all: true, limit: 3 }, true);
    expect(renderResult(result)).toBe('discarded 2 of 3 dead letters\n');
    expect(part.lying.map(({ id }) => id)).toEqual(['letter-1', 'letter-0']);
  });

  it('end at the number that was confirmed, whatever lies among the letters by then', async () => {
    const part = setup(5);
    // A worker whose clock is late: its letters seem to have failed long ago.
    part.onQuestion = () => part.lying.splice(2, 0, ...part.lying.slice(2));
    expect(await part.act('discard', { all: true }, true)).toMatchObject({ matched: 5, done: 5, end: 'finished' });
    expect(part.lying).toHaveLength(3);
  });

  it('keep to the rate', async () => {
    const part = setup(25);
    expect(await part.act('replay', { all: true, rate: 10 })).toMatchObject({ done: 25 });
    expect(part.calls.map(({ limit }) => limit)).toEqual([undefined, 10, 10, 5]);
    expect(part.pauses).toEqual([0, 1_000, 1_000]);
  });

  it('take letters by id, and tell once of those that are not there', async () => {
    const part = setup(10);
    const result = await part.act('discard', { ids: ['letter-1', 'nobody', 'letter-4'], rate: 1, yes: true });
    expect(result).toMatchObject({ matched: 2, done: 2, failed: [{ id: 'nobody' }], end: 'finished' });
    expect(part.calls.slice(1)).toMatchObject([{ ids: ['letter-1'] }, { ids: ['letter-4'] }]);
    expect(part.lying).toHaveLength(8);
    const few = { ids: ['letter-8', 'letter-7', 'letter-6'], selection: { source: 'even' }, limit: 1 };
    expect(await part.act('replay', few)).toMatchObject({ matched: 1, done: 1, failed: [], end: 'finished' });
    expect(part.lying.map(({ id }) => id)).not.toContain('letter-8');
    expect(part.lying).toHaveLength(7);
  });

  it('end when the operator interrupts, after the call in hand', async () => {
    const part = setup(1_200);
    part.stop.abort();
    const result = await part.act('replay', { all: true });
    expect(result).toMatchObject({ done: 0, end: 'interrupted' });
    expect(exitCodeOf(result)).toBe(1);
    expect(renderResult(result)).toBe('interrupted: replayed 0 of 1200 dead letters\n');
  });

  it('end when the operator interrupts a wait for the rate', async () => {
    const part = setup(30);
    const acting = part.act('replay', { all: true, rate: 10 });
    part.onPause = (pauses) => {
      if (pauses === 2) part.stop.abort();
    };
    expect(await acting).toMatchObject({ done: 10, end: 'interrupted' });
  });

  it('discard only what the operator agrees to', async () => {
    const part = setup(3);
    const refused = await part.act('discard', { all: true }, false);
    expect(part.questions).toEqual(['Discard 3 dead letters for good?']);
    expect(refused).toMatchObject({ done: 0, end: 'refused' });
    expect(exitCodeOf(refused)).toBe(2);
    expect(renderResult(refused)).toBe('nothing was discarded\n');
    await expect(part.act('discard', { all: true })).rejects.toThrow(/^3 dead letters would be lost .* say --yes$/);
    expect(part.lying).toHaveLength(3);
    expect(await part.act('discard', { all: true }, true)).toMatchObject({ done: 3, end: 'finished' });
  });

  it('want to know what is meant', async () => {
    const part = setup(3);
    await expect(part.act('replay', { limit: 3 })).rejects.toThrow(UsageError);
    expect(part.calls).toEqual([]);
  });

  it('have nothing to do where nothing lies', async () => {
    const part = setup(0);
    const result = await part.act('discard', { all: true });
    expect(renderResult(result)).toBe('discarded 0 of 0 dead letters\n');
    expect(exitCodeOf(result)).toBe(0);
  });
});
