import type { AdmitRequest, AdmitResult, ChunkLimits } from '@stream-manager/shared/queues/chunk-store';
import { encodePayload } from '@stream-manager/shared/records/payload';
import { describe, expect, it } from 'vitest';
import { letterOf, type RecordLetterData } from '../../src/dead-letters/letter.ts';
import { seenIdOf } from '../../src/dead-letters/replay.ts';
import { formatReplay, parseReplay } from '../../src/dead-letters/replay-mark.ts';
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

/** The letter of a record, as it was made. */
const madeLetter = (taken = takenChunk(1)) => {
  const [record] = storedRecords(taken);
  if (record === undefined) throw new Error('there is one record');
  const { jobId, data } = letterOf('firms', taken, record, cause);
  return { jobId, data: data as RecordLetterData };
};

const setup = (result: AdmitResult = { status: 'stored', stored: 1, known: 0, evicted: [] }) => {
  const admitted: AdmitRequest[] = [];
  const jobs: unknown[] = [];
  const rings: string[] = [];
  const run = (letter: { jobId: string; attemptsMade: number; data: Partial<RecordLetterData> }) =>
    runLetter(
      {
        store: {
          admit: async (request) => {
            admitted.push(request);
            return result;
          },
        },
        // The only method that adding jobs calls; int tests have the real queue.
        recordsQueue: () => ({ addBulk: async (added: unknown[]) => void jobs.push(...added) }) as never,
        ring: (sourceId) => void rings.push(sourceId),
      },
      { sourceId: 'firms', limits, job: { attempts: 3, backoff: { type: 'delivery' } } },
      letter,
    );
  return { run, admitted, jobs, rings };
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
    expect(request?.records).toEqual([{ ...preparedRecord(0), id: seenIdOf(letter.jobId) }]);
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

  it.each([
    {
      name: 'a raw row',
      data: { raw: 'a,b', reason: 'missing column' },
      reason: 'missing column (replay of raw rows is not available yet)',
    },
    { name: 'no record', data: { reason: 'x' }, reason: 'the letter holds no record to replay' },
  ])('fails again when there is $name', async ({ data, reason }) => {
    const { run } = setup();
    expect(await run({ jobId: 'x', attemptsMade: 2, data })).toEqual({ kind: 'fail', reason });
  });
});
