import { describe, expect, it } from 'vitest';
import { pollNow, renderPoll } from '../src/poll.ts';
import { memoryOperator } from './memory-operator.ts';

describe('streamctl poll now', () => {
  it('says what became of it, and what stands in its way', async () => {
    const { api } = memoryOperator();
    expect(await pollNow(api, { sourceId: 'firms', json: false })).toBe(
      'firms: a poll is queued, although the source is stopped; it will be put off before its fetch: its dead letters are full\n',
    );
    expect(JSON.parse(await pollNow(api, { sourceId: 'firms', json: true }))).toMatchObject({ poll: 'queued' });
    await expect(pollNow(api, { sourceId: 'fir', json: false })).rejects.toThrow(/did you mean firms/);
  });

  it.each([
    { poll: 'promoted', text: 'firms: the poll that waited goes first\n' },
    { poll: 'running', text: 'firms: a poll is running already\n' },
  ] as const)('says that it is $poll', ({ poll, text }) => {
    expect(renderPoll({ id: 'firms', state: 'running', poll })).toBe(text);
  });
});
