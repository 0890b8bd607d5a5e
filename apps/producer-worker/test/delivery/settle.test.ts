import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { emptyBitmap, setBit } from '@stream-manager/shared/records/bitmap';
import { describe, expect, it } from 'vitest';
import { prepareChunk } from '../../src/delivery/prepare.ts';
import type { SendFailure } from '../../src/delivery/publish.ts';
import { type AnsweredChunk, settleChunk } from '../../src/delivery/settle.ts';
import { fakeStore, noon, preparedRecord, storedRecords, takenChunk } from '../chunks.ts';

const failure = (outcome: SendFailure['outcome'], ...indexes: readonly number[]): SendFailure => ({
  outcome,
  indexes,
  code: outcome.toUpperCase(),
  message: `it is ${outcome}`,
});

const setup = (
  failures: readonly SendFailure[],
  changes: Partial<AnsweredChunk> & { readonly room?: number } = {},
  taken = takenChunk(4),
) => {
  const { room = Number.POSITIVE_INFINITY, ...chunkChanges } = changes;
  const store = fakeStore(taken);
  const letters: DeadLetter[] = [];
  const topics = { needsContent: () => false, resolve: () => ({ topic: 'fires', rule: 'source' as const }) };
  const chunk: AnsweredChunk = {
    sourceId: 'firms',
    taken,
    prepared: prepareChunk('firms', taken, storedRecords(taken), topics, noon),
    failures,
    unsent: [],
    attempts: { made: 0, max: 3 },
    ...chunkChanges,
  };
  const settle = () =>
    settleChunk(
      {
        store,
        now: () => noon,
        addLetters: async (_sourceId, added) => {
          const fitting = added.slice(0, room);
          store.acts.push(`letters ${fitting.length}`);
          letters.push(...fitting);
          const full = fitting.length < added.length ? 'too many dead letters' : null;
          return { lie: added.map((_letter, index) => index < room), full };
        },
      },
      chunk,
      { destinationGraceMs: 300_000, outagesCount: false },
    );
  return { settle, acts: store.acts, state: store.state, letters };
};

describe('settleChunk', () => {
  it.each([
    { name: 'all acknowledged', failures: [], acts: ['settle all (4)'], rest: 'none' },
    { name: 'some waiting', failures: [failure('outage', 1)], acts: ['settle 0,2,3 (3)'], rest: 'wait' },
    { name: 'nothing acknowledged, all waiting', failures: [failure('outage', 0, 1, 2, 3)], acts: [], rest: 'wait' },
    {
      name: 'one to try again: the chunk remembers the attempt',
      failures: [failure('other', 0)],
      acts: ['settle 1,2,3 (3)', 'tries 1'],
      rest: 'retry',
    },
    {
      name: 'one refused: settle the good, add the letter, settle all',
      failures: [failure('poison', 2)],
      acts: ['settle 0,1,3 (3)', 'letters 1', 'settle all (0)'],
      rest: 'none',
    },
    {
      name: 'one refused, one waiting: the chunk stays with the waiting one',
      failures: [failure('poison', 2), failure('destination', 0)],
      acts: ['settle 1,3 (2)', 'letters 1', 'settle 2 (0)'],
      rest: 'wait',
    },
    {
      name: 'all refused',
      failures: [failure('poison', 0, 1, 2, 3)],
      acts: ['letters 4', 'settle all (0)'],
      rest: 'none',
    },
  ])('$name', async ({ failures, acts, rest }) => {
    const { settle, acts: done } = setup(failures);
    expect((await settle()).kind).toBe(rest);
    expect(done).toEqual(acts);
  });

  it('speaks of the records that were left, not of those that were done before', async () => {
    const done = emptyBitmap(4);
    setBit(done, 0);
    setBit(done, 1);
    const { settle, acts, letters } = setup([failure('poison', 0)], {}, takenChunk(4, { done }));
    await settle();
    expect(acts).toEqual(['settle 3 (1)', 'letters 1', 'settle all (0)']);
    expect(letters[0]?.data.record).toMatchObject({ id: preparedRecord(2).id.toString('base64url') });
  });

  it('tells in a letter everything that a replay and an operator need', async () => {
    const { settle, letters } = setup(
      [failure('other', 3)],
      { attempts: { made: 1, max: 2 } },
      takenChunk(4, { tries: { made: 1, attempts: [{ at: '2026-05-01T11:59:00.000Z', error: 'the first time' }] } }),
    );
    await settle();
    const id = preparedRecord(3).id.toString('base64url');
    const reason = 'it is other (after 2 attempts)';
    expect(letters).toEqual([
      {
        jobId: `${id}-686868-0`,
        data: {
          sourceId: 'firms',
          code: 'OTHER',
          reason,
          topic: 'fires',
          record: JSON.parse(preparedRecord(3).value.toString()),
          key: 'key-3',
          contentHash: '6868686868686868',
          isCorrection: false,
          attempts: [
            { at: '2026-05-01T11:59:00.000Z', error: 'the first time' },
            { at: '2026-05-01T12:00:00.000Z', error: reason },
          ],
          firstFailedAt: '2026-05-01T11:59:00.000Z',
          lastFailedAt: '2026-05-01T12:00:00.000Z',
          pollId: 'poll-7',
          payloadVersion: 1,
          replays: 0,
        },
      },
    ]);
  });

  it('hands the attempts on to the next run', async () => {
    const former = { at: '2026-05-01T11:59:00.000Z', error: 'x' };
    const taken = takenChunk(4, { tries: { made: 1, attempts: [former] } });
    const { settle, state } = setup([failure('other', 3)], { attempts: { made: 1, max: 3 } }, taken);
    await settle();
    expect(state.taken?.tries).toEqual({
      made: 2,
      attempts: [former, { at: '2026-05-01T12:00:00.000Z', error: 'it is other' }],
    });
  });

  it('settles what was acknowledged of a chunk that is given back in part', async () => {
    const { settle, acts } = setup([], { unsent: [2, 3] });
    expect(await settle()).toEqual({ kind: 'give_back' });
    expect(acts).toEqual(['settle 0,1 (2)']);
  });

  it.each([
    { outcome: 'outage' as const, rest: { kind: 'wait', cause: 'outage' } },
    { outcome: 'destination' as const, rest: { kind: 'wait', cause: 'destination' } },
    { outcome: 'other' as const, rest: { kind: 'retry' } },
  ])('takes what was not sent along into the wait or the attempt after $outcome', async ({ outcome, rest }) => {
    const { settle, acts, state } = setup([failure(outcome, 1)], { unsent: [2, 3] });
    expect(await settle()).toMatchObject(rest);
    expect(acts).toContain('settle 0 (1)');
    expect(state.taken?.tries.made ?? 0).toBe(outcome === 'other' ? 1 : 0);
  });

  it('gives back what was not sent when the rest has become letters in its last attempt', async () => {
    const { settle, letters } = setup([failure('other', 1)], { unsent: [2, 3], attempts: { made: 2, max: 3 } });
    expect(await settle()).toEqual({ kind: 'give_back' });
    expect(letters).toHaveLength(1);
  });

  it('keeps the place of refused records while there is no room for their letters', async () => {
    const { settle, acts } = setup([failure('poison', 2)], { room: 0 });
    expect(await settle()).toMatchObject({ kind: 'wait', cause: 'letters', reason: 'too many dead letters' });
    expect(acts).toEqual(['settle 0,1,3 (3)', 'letters 0']);
  });

  it('lets those refused records go whose letters there is room for, and keeps the place of the others', async () => {
    const { settle, acts, letters } = setup([failure('poison', 0, 2, 3), failure('other', 1)], { room: 2 });
    expect(await settle()).toMatchObject({ kind: 'wait', cause: 'letters' });
    expect(acts).toEqual(['letters 2', 'settle 0,2 (0)']);
    expect(letters.map(({ data }) => data.record)).toMatchObject([{ data: { index: 0 } }, { data: { index: 2 } }]);
  });

  it('asks since when a topic refuses only when one does', async () => {
    const { settle, state, letters } = setup([failure('destination', 0)]);
    state.refusedForMs = 300_000;
    expect((await settle()).kind).toBe('none');
    expect(letters.map(({ data }) => data)).toMatchObject([
      {
        code: 'DESTINATION',
        firstFailedAt: new Date(noon - 300_000).toISOString(),
        lastFailedAt: new Date(noon).toISOString(),
        attempts: [{ error: 'it is destination' }, { error: expect.stringContaining('took no records for 300 s') }],
      },
    ]);
  });

  const refusedBefore = takenChunk(4, { isRefused: true });
  it.each([
    { name: 'an outage', failures: [failure('outage', 0)], unsent: [], forgets: true },
    { name: 'another error', failures: [failure('other', 0)], unsent: [], forgets: true },
    { name: 'an outage of a part, the rest unsent', failures: [failure('outage', 0)], unsent: [1], forgets: true },
    { name: 'a part that is refused still', failures: [failure('outage', 0), failure('destination', 1)], unsent: [] },
    { name: 'nothing that was sent', failures: [], unsent: [0, 1, 2, 3] },
    { name: 'an acknowledgement of the rest', failures: [], unsent: [] },
  ])('forgets a refusal of the topic after a send that ends otherwise: $name', async (send) => {
    const { settle, acts } = setup(send.failures, { unsent: send.unsent }, refusedBefore);
    await settle();
    expect(acts.includes('forget the refusal')).toBe(send.forgets ?? false);
  });

  it('has nothing to forget where nothing was refused', async () => {
    const { settle, acts } = setup([failure('outage', 0, 1, 2, 3)]);
    await settle();
    expect(acts).toEqual([]);
  });
});
