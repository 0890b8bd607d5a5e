import { describe, expect, it } from 'vitest';
import { createCareForLetters, type LetterAct } from '../../src/dead-letters/care-for-letters.ts';

const never = new AbortController().signal;

describe('the care of the dead letters', () => {
  it('does every act in its order, whichever fails, and tells all failures', async () => {
    const done: string[] = [];
    const act =
      (name: string, failure?: string): LetterAct =>
      async (sourceIds) => {
        done.push(`${name} ${sourceIds.join()}`);
        if (failure !== undefined) throw new Error(failure);
      };
    const care = createCareForLetters([act('expire', 'no'), act('measure'), act('keep', 'OOM')]);
    await expect(care(['a', 'b'], never)).rejects.toThrow('no; OOM');
    expect(done).toEqual(['expire a,b', 'measure a,b', 'keep a,b']);
    await expect(createCareForLetters([act('measure')])(['a'], never)).resolves.toBeUndefined();
  });

  it('begins no other act once the process stops, and gives the reason of that alone', async () => {
    const stopping = new AbortController();
    let others = 0;
    const care = createCareForLetters([
      async () => {
        stopping.abort(new Error('stopped'));
        throw new Error('interrupted');
      },
      async () => {
        others += 1;
      },
    ]);
    await expect(care(['a'], stopping.signal)).rejects.toThrow('stopped');
    expect(others).toBe(0);
  });
});
