// Admits one page of a poll, unless Redis or the source's dead letters are full. The order of acts is what loses nothing:
//   look up → admit a chunk → add its job → remove the jobs of chunks that made room → make letters of what was dropped, if
//   queue.keepDropped says so → (next chunk) →
//   add the letters of invalid rows → remember these rows.
// Killed between two of them: a stored chunk without a job is the sweep's, and so is a dropped one without letters; a row
// without its memory gets the same letter again, which BullMQ ignores; everything else comes again with the next poll, and
// what is in is known then.
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import type { AdmitResult, ChunkLimits, EvictedChunk } from '@stream-manager/shared/queues/chunk-store';
import type {
  AdmissionDeps,
  AdmissionEnd,
  AdmissionQueues,
  AdmissionSettings,
  AdmittingPoll,
  PageAdmission,
} from './admission.ts';
import { type Chunk, chunkSizes, cutChunks } from './chunks.ts';
import { keepInvalid } from './keep-invalid.ts';
import type { PreparedRows } from './prepare.ts';
import { sampleOf } from './sample.ts';
import { startTally, type Tally } from './tally.ts';
import { showFresh } from './tapped-rows.ts';

const bytesPerId = 120;

/** Bytes of values in one chunk at most: Redis and a producer copy a chunk whole. */
const chunkBytes = 4 * 1024 * 1024;

/**
 * Admits the rows of one page. `beforeOthers` is called before the first record goes in that is not critical.
 * Rejects when Redis refuses; then the page is not finished and may be admitted again.
 */
export const admitPage = async (
  deps: AdmissionDeps,
  settings: AdmissionSettings,
  rows: PreparedRows,
  poll: AdmittingPoll,
  beforeOthers: () => Promise<void> = async () => {},
): Promise<PageAdmission> => {
  const { records, invalid } = rows;
  const tally = startTally(deps, settings.sourceId, settings.limits.keepDropped === true);
  const lookUp = async () =>
    records.length + invalid.length === 0
      ? []
      : deps.store.lookup(settings.sourceId, [...records, ...invalid], settings.limits);
  const [sightings] = await Promise.all([lookUp(), deps.tap.look()]);
  const fresh = records.filter((_record, index) => sightings[index] !== 'known');
  showFresh(deps.tap, settings.sourceId, fresh, (record) => sightings[records.indexOf(record)]);
  const freshRows = invalid.filter((_row, index) => sightings[records.length + index] !== 'known');
  tally.addDuplicates(rows.repeated + records.length - fresh.length);

  const sizes = chunkSizes(settings.chunkSize, settings.limits.criticalReserve);
  const chunks = cutChunks(fresh, { ...sizes, bytes: chunkBytes });
  const end = await admitChunks(deps, settings, chunks, poll, tally, beforeOthers).finally(() => tally.report());
  const refused = tally.isRefused() ? { isRefused: true as const } : {};
  const counts = { accepted: tally.accepted(), duplicates: tally.duplicates(), ...refused };
  if (end.status !== 'admitted' || freshRows.length === 0) return { ...end, ...counts };
  const shortage = await keepInvalid(deps, settings, freshRows, poll.pollId);
  return shortage === null ? { status: 'admitted', ...counts } : { status: 'no_room', shortage, ...counts };
};

const admitChunks = async (
  deps: AdmissionDeps,
  settings: AdmissionSettings,
  chunks: readonly Chunk[],
  poll: AdmittingPoll,
  tally: Tally,
  beforeOthers: () => Promise<void>,
): Promise<AdmissionEnd> => {
  const { sourceId } = settings;
  let wereOthersBefore = false;
  // One ring a page: a producer that heard it looks at the queue until it is empty.
  let hasRung = false;
  // The job of one chunk is added while the next chunk is admitted; never more than one, so that nothing piles up.
  let adding: Promise<void> = Promise.resolve();
  try {
    for (const chunk of chunks) {
      if (chunk.priority > 1 && !wereOthersBefore) {
        wereOthersBefore = true;
        await beforeOthers();
      }
      const end = await admitWhenRoom(deps, settings, chunk, poll);
      if ('status' in end) return end;
      const { chunkId, result } = end;
      tally.addResult(chunk, result);
      if (result.status === 'stored' || result.status === 'already') {
        await adding;
        const admitted = { chunkId, result, pollId: poll.pollId, shouldRing: !hasRung };
        adding = addJob(deps.queues, sourceId, chunk, admitted, tally);
        hasRung = true;
      } else if (result.status === 'dropped' || result.status === 'known') {
        const evicted = result.evicted ?? [];
        const kept = result.status === 'dropped' && result.isKept === true ? [chunkId] : [];
        if (evicted.length + kept.length === 0) continue;
        await adding;
        adding = clearAway(deps.queues, sourceId, { evicted, kept }, tally);
      } else continue;
      // It is awaited below; until then its rejection must not count as unheard.
      adding.catch(() => {});
    }
    return { status: 'admitted' };
  } finally {
    await adding;
  }
};

/** Offers a chunk until it is in, one way or the other, or there was no room for too long. */
const admitWhenRoom = async (
  deps: AdmissionDeps,
  { sourceId, limits, admitWaitMs }: AdmissionSettings,
  { priority, records }: Chunk,
  { pollId, signal, progress }: AdmittingPoll,
): Promise<{ readonly chunkId: string; readonly result: Exclude<AdmitResult, { status: 'full' }> } | AdmissionEnd> => {
  const untilMs = deps.monotonicNow() + admitWaitMs;
  for (;;) {
    if (signal.aborted) return { status: 'stopped' };
    let known = 0;
    if ((await deps.memory.high()) === null) {
      // Fresh for every call: under a reused id the settle of an old holder would delete the new records.
      const chunkId = createChunkId();
      const result = await deps.store.admit({ sourceId, chunkId, priority, limits, records, pollId });
      progress();
      if (result.status === 'stored') deps.memory.took(bytesOf(records));
      if (result.status !== 'full') return { chunkId, result };
      known = result.known;
    }
    const waiting = { sourceId, priority, records: records.length - known, limits };
    const answer = await deps.room.waitFor(waiting, untilMs, signal);
    if (answer === 'stopped') return { status: 'stopped' };
    if (answer === 'room') continue;
    const high = await deps.memory.high();
    if (high !== null) return { status: 'no_room', shortage: { by: 'memory', reason: high } };
    return { status: 'no_room', shortage: { by: 'room', reason: fullQueue(limits, answer) } };
  }
};

/** Why a poll waits no longer for room in its queue. */
const fullQueue = ({ maxRecords, criticalReserve }: ChunkLimits, answer: 'timeout' | 'busy'): string => {
  const full = `the queue is full (queue.maxRecords ${maxRecords}, ${criticalReserve} of them for critical records only)`;
  return answer === 'busy'
    ? `${full}, and half of the poller's slots wait for room already`
    : `${full}, and nothing went in within queue.admitWaitMs`;
};

/** What a chunk takes in Redis, roughly: values, keys, and its ids in payload and seen ids. */
const bytesOf = (records: Chunk['records']): number =>
  records.reduce((sum, { value, key }) => sum + value.length + key.length + bytesPerId, 0);

const addJob = async (
  queues: AdmissionQueues,
  sourceId: string,
  { priority, records }: Chunk,
  admitted: {
    readonly chunkId: string;
    readonly pollId: string;
    readonly result: AdmitResult & { status: 'stored' | 'already' };
    readonly shouldRing: boolean;
  },
  tally: Tally,
): Promise<void> => {
  const { chunkId, pollId, result } = admitted;
  const stored = result.status === 'stored' ? result.stored : records.length;
  await queues.addChunkJob(sourceId, { chunkId, records: stored, priority, pollId, sample: sampleOf(records) });
  if (admitted.shouldRing) queues.ring(sourceId);
  if (result.status === 'stored') await clearAway(queues, sourceId, { evicted: result.evicted, kept: [] }, tally);
};

/** Removes the jobs of chunks that made room, and makes letters of what is set aside; `kept` = newcomers that are. */
const clearAway = async (
  queues: AdmissionQueues,
  sourceId: string,
  { evicted, kept }: { readonly evicted: readonly EvictedChunk[]; readonly kept: readonly string[] },
  tally: Tally,
): Promise<void> => {
  if (evicted.length > 0) await queues.removeEvictedJobs(sourceId, evicted);
  const setAside = evicted.filter((victim) => victim.isKept === true);
  const chunkIds = [...setAside.map((victim) => victim.chunkId), ...kept];
  if (chunkIds.length === 0) return;
  const { lost, full } = await queues.keepDropped(sourceId, chunkIds);
  if (lost > 0 && full !== null) tally.addLost(lost, full);
};
