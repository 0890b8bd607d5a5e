import { ApiRefusal } from '@stream-manager/shared/ops/api-request';
import { describe, expect, it } from 'vitest';
import { readTapOptions, tap } from '../src/tap.ts';
import { memoryOperator, memoryTerminal, type TapTry } from './memory-operator.ts';
import { streamAnswer } from './stream-answers.ts';

const record = (number: number) => ({ event: 'record', data: { number } });
const now = Date.parse('2026-05-01T12:00:00.000Z');
const streams = [streamAnswer('firms', { nextPollAt: '2026-05-01T12:12:00.000Z' })];

/** Taps until the tries are over, and the operator ends it. */
const run = async (taps: readonly TapTry[], options: { readonly limit?: string; readonly sourceId?: string } = {}) => {
  const { api, calls } = memoryOperator({ streams, taps });
  const terminal = memoryTerminal();
  const read = readTapOptions(options.sourceId ?? 'firms', options);
  const pause = async (): Promise<void> => {
    if (calls.filter(([name]) => name === 'tap').length === taps.length) terminal.ended.abort();
  };
  await tap({ ...terminal, api, pause, now: () => now }, read);
  return { ...terminal.texts, calls };
};

describe('streamctl tap', () => {
  it('writes records as JSON lines, and what is to be said beside them', async () => {
    const { out, notice, calls } = await run([[record(1), { event: 'skipped', data: { records: 7 } }, record(2)]]);
    expect(out).toBe('{"number":1}\n{"number":2}\n');
    expect(notice).toBe(
      'listening after dedupe of firms (running, next poll in 12 min); Ctrl-C ends it\n7 more passed and are not shown\nthe tap was ended by the server; trying again\n',
    );
    expect(calls).toEqual([['tap', 'firms', 'dedupe']]);
  });

  it('ends after as many records as were asked for', async () => {
    const { out, notice } = await run([[record(1), record(2), record(3)]], { limit: '2' });
    expect(out).toBe('{"number":1}\n{"number":2}\n');
    expect(notice).not.toContain('trying again');
  });

  it('outlives a scheduler that is started anew', async () => {
    const { out, notice } = await run([
      [record(1), new Error('the API does not answer')],
      [new Error('the API does not answer')],
      [record(2)],
    ]);
    expect(out).toBe('{"number":1}\n{"number":2}\n');
    expect(notice.split('\n').slice(1, 3)).toEqual(['the API does not answer; trying again', 'listening again']);
  });

  it('waits for its reader', async () => {
    const { api } = memoryOperator({ streams, taps: [[record(1), record(2)]] });
    const terminal = memoryTerminal();
    const acts: string[] = [];
    const deps = {
      ...terminal,
      out: (text: string) => void acts.push(text.trim()),
      drained: async () => void acts.push('read'),
    };
    const pause = async (): Promise<void> => terminal.ended.abort();
    await tap({ ...deps, api, pause, now: () => now }, readTapOptions('firms', {}));
    expect(acts).toEqual(['{"number":1}', 'read', '{"number":2}', 'read']);
  });

  it.each([
    { name: 'cannot be had at all', taps: [[new Error('the API does not answer')]], text: 'the API does not answer' },
    { name: 'is refused', taps: [[new ApiRefusal(409, '10 taps are open already')]], text: '10 taps are open' },
    {
      name: 'is refused later, since the source is gone',
      taps: [[record(1)], [new ApiRefusal(404, 'there is no stream')]],
      text: 'there is no stream',
    },
  ])('fails when it $name', async ({ taps, text }) => {
    await expect(run(taps)).rejects.toThrow(text);
  });

  it('names the nearest source', async () => {
    await expect(run([], { sourceId: 'frims' })).rejects.toThrow(/did you mean firms/);
  });

  it.each([
    { after: 'prase', text: /expected one of parse, dedupe, route, not "prase"/ },
    { limit: '0', text: /expected a whole number from 1, not "0"/ },
  ])('refuses $after $limit', ({ text, ...options }) => {
    expect(() => readTapOptions('firms', options)).toThrow(text);
  });
});
