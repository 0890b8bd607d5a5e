import { ApiRefusal } from '@stream-manager/shared/ops/api-request';
import { describe, expect, it } from 'vitest';
import { cancelBackfill, listBackfills, requestBackfill } from '../../src/backfill/command.ts';
import { renderBackfills } from '../../src/backfill/list.ts';
import { readTimes } from '../../src/backfill/times.ts';
import { watchBackfill } from '../../src/backfill/watch.ts';
import { createProgress } from '../../src/progress.ts';
import { backfillView, memoryOperator, memoryTerminal } from '../memory-operator.ts';

const now = Date.parse('2026-05-08T00:00:00.000Z');
const may = { sourceId: 'firms', from: '2026-05-01', to: '2026-05-05', json: false };
const delayed = {
  by: 'budget',
  reason: 'the day has cost what it may',
  since: '2026-05-06T00:00:00.000Z',
  until: '2026-05-07T00:00:00.000Z',
} as const;

/** Watches a backfill without waiting between two looks; `looksMax`: then the operator has seen enough. */
const watch = async (looks: Parameters<typeof memoryOperator>[0], looksMax = 1_000) => {
  const { api } = memoryOperator(looks);
  const terminal = memoryTerminal();
  let left = looksMax;
  const end = await watchBackfill(
    {
      api,
      progress: createProgress(terminal.notice, terminal.isTerminal),
      notice: terminal.notice,
      pause: async () => {
        left -= 1;
        if (left === 0) terminal.ended.abort();
      },
      signal: terminal.signal,
    },
    'firms',
    'b1',
  );
  return { end, notice: terminal.texts.notice };
};

describe('streamctl backfill', () => {
  it('asks for the time, and is done', async () => {
    const { api, calls } = memoryOperator();
    const terminal = memoryTerminal();
    expect(await requestBackfill(api, { ...may, wait: false }, terminal)).toBe(0);
    expect(calls).toEqual([['backfill', 'firms', '2026-05-01', '2026-05-05']]);
    expect(terminal.texts).toEqual({ out: 'backfill b1 of firms is queued\n', notice: '' });
  });

  it.each([
    { name: 'it is finished', look: { state: 'finished', share: 1, records: 7 }, code: 0, notice: '' },
    {
      name: 'it has failed',
      look: { state: 'failed', error: 'the provider refused' },
      code: 1,
      notice: 'the provider refused',
    },
    { name: 'somebody takes it back', look: { state: 'cancelled' }, code: 1, notice: '' },
  ] as const)('waits until $name', async ({ look, code, notice }) => {
    const { api } = memoryOperator({ looks: [look] });
    const terminal = memoryTerminal();
    expect(await requestBackfill(api, { ...may, wait: true }, terminal)).toBe(code);
    expect(terminal.texts.out).toMatch(new RegExp(`^backfill b1 of firms is ${look.state}: \\d records\n$`));
    expect(terminal.texts.notice).toContain(notice);
  });

  it('waits no longer when the operator ends it, and says that the backfill goes on', async () => {
    const { api } = memoryOperator();
    const terminal = memoryTerminal();
    terminal.ended.abort();
    expect(await requestBackfill(api, { ...may, wait: true }, terminal)).toBe(1);
    expect(terminal.texts.out).toBe('');
    expect(terminal.texts.notice).toContain('the backfill goes on');
  });

  it('shows how far it is, and once why it waits', async () => {
    const quarter = { state: 'running', share: 0.25, records: 10, doneUntil: '2026-05-02T00:00:00.000Z' } as const;
    const { end, notice } = await watch({
      looks: [
        {},
        quarter,
        { ...quarter, state: 'delayed', delayed },
        { ...quarter, state: 'delayed', delayed },
        { state: 'finished', share: 1, records: 40 },
      ],
    });
    expect(end).toMatchObject({ state: 'finished', records: 40 });
    expect(notice).toBe(
      'to 2026-05-02T00:00:00.000Z, 10 records\nwaits: the day has cost what it may\nto 2026-05-01T00:00:00.000Z, 40 records\n',
    );
  });

  it('outlives an API that is away for a while, and no refusal', async () => {
    const away = new Error('the API does not answer');
    const { end, notice } = await watch({ looks: [away, away, { state: 'finished', share: 1 }] });
    expect(end?.state).toBe('finished');
    expect(notice).toMatch(/^the API does not answer; trying again\n/);
    await expect(watch({ looks: [away] })).rejects.toThrow(away);
    await expect(watch({ looks: [new ApiRefusal(404, 'no stream')] })).rejects.toThrow('no stream');
    expect((await watch({ looks: [{}] }, 3)).end).toBeNull();
  });

  it('lists, and takes back', async () => {
    const { api, calls } = memoryOperator();
    const text = renderBackfills('firms', [
      backfillView({ share: 0.256, state: 'delayed', delayed }),
      backfillView({ state: 'failed', error: 'refused' }),
    ]);
    expect(text.split('\n')[1]).toMatch(/^b1 .* 25 % +0 .* admin +delayed: the day has cost what it may$/);
    expect(text.split('\n')[2]).toMatch(/failed: refused$/);
    expect(renderBackfills('firms', [])).toBe('firms has no backfills\n');
    expect(JSON.parse(await listBackfills(api, { sourceId: 'firms', json: true })).backfills).toHaveLength(2);
    expect(await cancelBackfill(api, { sourceId: 'firms', backfillId: 'b1' })).toMatch(
      /^backfill b1 of firms is cancelled/,
    );
    expect(calls).toEqual([['cancelBackfill', 'firms', 'b1']]);
  });

  it.each([
    { from: '2026-05-01', to: '2026-05-02', is: { from: '2026-05-01', to: '2026-05-02' } },
    { from: '7d', to: '1d', is: { from: '2026-05-01T00:00:00.000Z', to: '2026-05-07T00:00:00.000Z' } },
    { from: '7d', to: undefined, is: { from: '2026-05-01T00:00:00.000Z', to: '2026-05-07T23:59:55.000Z' } },
  ])('reads from $from to $to', ({ from, to, is }) => {
    expect(readTimes(from, to, now)).toEqual(is);
  });

  it('wants to know from when', () => {
    expect(() => readTimes(undefined, '2026-05-01', now)).toThrow(/say from when/);
  });
});
