// A fact of BullMQ that replays lean on: a failed job is retried by its id alone, and its refusals can be told apart.
import { describe, expect, it } from 'vitest';
import { retryLetter } from '../../../src/queues/dead-letters/retry-letter.ts';
import { letterOf, openLetters } from './letter-bundle.ts';

describe('the retry of a letter', () => {
  it('hands it to a worker again, with its data and its attempts', async () => {
    await using part = openLetters();
    await part.add([letterOf('firms', 1)]);
    await part.failAll();
    expect(await retryLetter(part.queue(), 'letter-1-0')).toBe('retried');
    const job = await part.queue().getJob('letter-1-0');
    expect(job).toMatchObject({ attemptsMade: 1, name: 'publish_failed', data: letterOf('firms', 1).data });
    expect(await job?.getState()).toBe('waiting');
    expect(await retryLetter(part.queue(), 'letter-1-0')).toBe('not_failed');
    await part.failAll();
    expect(await part.queue().getJob('letter-1-0')).toBeUndefined();
  });

  it('says when the job has lost its data', async () => {
    await using part = openLetters();
    await part.add([letterOf('firms', 1)]);
    await part.failAll();
    await part.redis.del(part.queue().toKey('letter-1-0'));
    expect(await retryLetter(part.queue(), 'letter-1-0')).toBe('no_data');
  });
});
