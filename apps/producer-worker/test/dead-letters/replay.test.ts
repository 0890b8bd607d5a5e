import type { ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import type { AdmitRequest, AdmitResult, ChunkLimits, Sighting } from '@stream-manager/shared/queues/chunk-store';
import type { ReparseAnswer } from '@stream-manager/shared/queues/dead-letters/ask-reparse';
import { letterMark } from '@stream-manager/shared/queues/dead-letters/letter-mark';
import { letterOf, type RecordLetterData } from '@stream-manager/shared/queues/dead-letters/record-letter';
import { formatReplay, parseReplay } from '@stream-manager/shared/queues/dead-letters/replay-mark';
import { encodePayload } from '@stream-manager/shared/records/payload';
import { describe, expect, it } from 'vitest';
import { runLetter } from '../../src/dead-letters/run-letters.ts';
import { preparedRecord, storedRecords, takenChunk } from '../chunks.ts';

const limits: ChunkLimits = {
  maxRecords: 100,
  criticalReserve: 5,
  overflow: 'drop_oldest',
  dedupeWindowMs: 1_000,
  dedupeMaxIds: 1_000,
  publishCorrections: true,
};

const cause = {
  code: 'MESSAGE_TOO_LARGE',
  reason: 'too large',
  topic: 'fires',
  attempts: [{ at: '2026-05-01T12:00:00.000Z', error: 'too large' }] as const,
};

/** When the letters were added. */
const addedAt = Date.parse('2026-05-01T12:00:00.500Z');

/** The letter of a record, as it was made. */
const madeLetter = (taken = takenChunk(1)) => {
  const [record] = storedRecords(taken);
  if (record === undefined) throw new Error('there is one record');
  const { jobId, data } = letterOf('firms', taken, record, cause);
  return { jobId, data: data as RecordLetterData };
};

/** The letter of a row that was replayed twice. */
const rawLetter = {
  jobId: 'row-abcdef-2',
  data: {
    sourceId: 'firms',
    code: 'invalid_row',
    reason: 'column_count: row',
    raw: 'a,b',
    rawContext: 'x,y',
    replays: 2,
    pollId: 'firms.7',
    firstFailedAt: '2026-05-01T12:00:00.000Z',
  },
};

const setup = (result: AdmitResult = { status: 'stored', stored: 1, known: 0, evicted: [] }, isRetired = false) => {
  const admitted: AdmitRequest[] = [];
  const asked: ReparseJobData[] = [];
  const seen: { mark: Sighting; memory: string | null; answer: ReparseAnswer } = {
    mark: 'new',
    memory: null,
    answer: { answer: 'asked', forMs: 0 },
  };
  const jobs: unknown[] = [];
  const rings: string[] = [];
  const run = (letter: { jobId: string; attemptsMade: number; runs?: number; data: Partial<RecordLetterData> }) =>
    runLetter(
      {
        store: {
          admit: async (request) => {
            admitted.push(request);
            return result;
          },
          lookup: async () => [seen.mark],
        },
        memory: { high: async () => seen.memory },
        reparse: async (data) => {
          asked.push(data);
          return seen.answer;
        },
        // The only method that adding jobs calls; int tests have the real queue.
        recordsQueue: () => ({ addBulk: async (added: unknown[]) => void jobs.push(...added) }) as never,
        ring: (sourceId) => void rings.push(sourceId),
      },
      { sourceId: 'firms', limits, job: { attempts: 3, backoff: { type: 'delivery' } }, isRetired },
      { addedAt, runs: letter.attemptsMade + 1, ...letter },
    );
  return { run, admitted, jobs, rings, asked, seen };
};

describe('parseReplay', () => {
  it('reads what formatReplay wrote, and takes every other poll id for what it is', () => {
    const mark = { replays: 12, isCorrection: true, pollId: 'replay:1:f:poll:7\n' };
    expect(parseReplay(formatReplay(mark))).toEqual(mark);
    for (const pollId of ['', 'poll-7', 'replay:', 'replay:x:c:', 'replay:1:z:p'])
      expect(parseReplay(pollId)).toBeNull();
  });
});

describe('runLetter', () => {
  it('fails a letter with its reason in the first run, whatever it holds', async () => {
    const { run, admitted } = setup();
    expect(await run({ ...madeLetter(), attemptsMade: 0 })).toEqual({ kind: 'fail', reason: 'too large' });
    expect(await run({ jobId: 'x', attemptsMade: 0, data: {} })).toEqual({
      kind: 'fail',
      reason: 'no reason is known',
    });
    expect(admitted).toEqual([]);
  });

  it('admits the record of a later run as it was refused, under the id of the letter', async () => {
    const { run, admitted, jobs, rings } = setup();
    const letter = madeLetter();
    expect(await run({ ...letter, attemptsMade: 1 })).toEqual({ kind: 'replayed' });
    const [request] = admitted;
    expect(request).toMatchObject({
      sourceId: 'firms',
      priority: 2,
      keep: true,
      pollId: 'replay:1:f:poll-7',
      limits: { overflow: 'backpressure' },
    });
    expect(request?.records).toEqual([{ ...preparedRecord(0), id: letterMark(letter.jobId, addedAt).id }]);
    expect(jobs).toMatchObject([{ opts: { jobId: request?.chunkId, priority: 2, attempts: 3 } }]);
    expect(rings).toEqual(['firms']);
  });

  it('makes another letter of a record that is refused again', async () => {
    const { run, admitted } = setup();
    const first = madeLetter();
    await run({ ...first, attemptsMade: 1 });
    const request = admitted[0];
    if (request === undefined) throw new Error('a replay was admitted');
    const taken = takenChunk(0, { payload: encodePayload(request.records), pollId: request.pollId });
    const second = madeLetter(taken);
    expect(second.jobId).toBe(first.jobId.replace(/-0$/, '-1'));
    expect(second.data).toEqual({ ...first.data, replays: 1 });
  });

  it.each([
    { status: 'full', result: { status: 'full', known: 0, total: 100 }, run: { kind: 'wait', delayMs: 2_000 } },
    { status: 'known (killed before it completed)', result: { status: 'known', known: 1 }, run: { kind: 'replayed' } },
  ] as const)('admission says $status: $run.kind', async ({ result, run: expected }) => {
    const { run, jobs } = setup(result);
    expect(await run({ ...madeLetter(), attemptsMade: 1 })).toEqual(expected);
    expect(jobs).toEqual([]);
  });

  it.each<{ name: string; data: Partial<RecordLetterData>; reason: string }>([
    {
      name: 'a raw text that never was a row',
      data: { raw: 'AAAA', reason: 'stalled too often', code: 'payload_damaged' },
      reason: 'what is kept of this record is no row of the source: it cannot be parsed (stalled too often)',
    },
    {
      name: 'a part of a row',
      data: { raw: 'a,b', reason: 'column_count: row', code: 'invalid_row', rawIsIncomplete: true },
      reason: 'only a part of the row was kept: it cannot be parsed again (column_count: row)',
    },
    { name: 'no record', data: { reason: 'x' }, reason: 'the letter holds no record to replay' },
  ])('fails again when there is $name', async ({ data, reason }) => {
    const { run } = setup();
    expect(await run({ jobId: 'x', attemptsMade: 2, data })).toEqual({ kind: 'fail', reason });
  });

  it('waits while Redis has no memory left, and admits nothing', async () => {
    const { run, admitted, asked, seen } = setup();
    seen.memory = 'Redis is full';
    expect(await run({ ...madeLetter(), attemptsMade: 1 })).toEqual({ kind: 'wait', delayMs: 2_000 });
    expect(await run({ ...rawLetter, attemptsMade: 1 })).toEqual({ kind: 'wait', delayMs: 2_000 });
    expect([admitted, asked]).toEqual([[], []]);
  });

  it('has a raw row parsed again and waits for it, until the mark of the letter says that it is done', async () => {
    const { run, admitted, asked, seen } = setup();
    expect(await run({ ...rawLetter, attemptsMade: 0 })).toMatchObject({ kind: 'fail' });
    expect(asked).toEqual([]);
    expect(await run({ ...rawLetter, attemptsMade: 1 })).toEqual({ kind: 'wait', delayMs: 1_000 });
    expect(asked).toEqual([
      {
        sourceId: 'firms',
        letterId: 'row-abcdef-2',
        letterAddedAt: addedAt,
        raw: 'a,b',
        rawContext: 'x,y',
        code: 'invalid_row',
        replays: 2,
        pollId: 'firms.7',
        firstFailedAt: '2026-05-01T12:00:00.000Z',
      },
    ]);
    seen.mark = 'known';
    expect(await run({ ...rawLetter, attemptsMade: 1 })).toEqual({ kind: 'replayed' });
    expect([asked.length, admitted]).toEqual([1, []]);
  });

  it('fails again with the reason when no poller can parse the row', async () => {
    const { run, seen } = setup();
    const reason = 'this poller knows no job named "reparse"';
    seen.answer = { answer: 'failed', reason };
    expect(await run({ ...rawLetter, attemptsMade: 1 })).toEqual({ kind: 'fail', reason });
  });

  it.each<{ name: string; answer: ReparseAnswer; runs: number; delayMs: number }>([
    { name: 'asked just now', answer: { answer: 'asked', forMs: 0 }, runs: 40, delayMs: 1_000 },
    { name: 'asked a while ago', answer: { answer: 'asked', forMs: 7_300 }, runs: 2, delayMs: 7_300 },
    { name: 'asked long ago', answer: { answer: 'asked', forMs: 3_600_000 }, runs: 2, delayMs: 60_000 },
    { name: 'no room to ask, the first time', answer: { answer: 'full' }, runs: 2, delayMs: 1_000 },
    { name: 'no room to ask, the third time', answer: { answer: 'full' }, runs: 4, delayMs: 4_000 },
    { name: 'no room to ask for ever', answer: { answer: 'full' }, runs: 5_000, delayMs: 60_000 },
  ])('waits the longer the longer a row is not parsed: $name', async ({ answer, runs, delayMs }) => {
    const { run, seen } = setup();
    seen.answer = answer;
    expect(await run({ ...rawLetter, attemptsMade: 1, runs })).toEqual({ kind: 'wait', delayMs });
  });

  it('fails again when the source of a raw row is gone from the config', async () => {
    const { run, asked } = setup(undefined, true);
    expect(await run({ ...rawLetter, attemptsMade: 1 })).toEqual({
      kind: 'fail',
      reason:
        'source firms is gone from the config, so nothing can parse its rows: put it back, or discard this letter (column_count: row)',
    });
    expect(asked).toEqual([]);
    // Its records need no parser.
    expect(await run({ ...madeLetter(), attemptsMade: 1 })).toEqual({ kind: 'replayed' });
  });
});
