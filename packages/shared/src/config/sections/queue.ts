// Config section `queue`, global and per source: how many records of a source may wait, and what happens to the next.
import { z } from 'zod';
import { choice, flag, wholeNumber } from '../fields.ts';
import { overflowModes } from '../overflow-modes.ts';
import type { SectionFault } from './throttling.ts';

/** More records in a chunk than this do not fit into one call of the admit script (Lua's unpack limit). */
export const largestChunk = 2_000;

const fields = {
  maxRecords: wholeNumber(
    'Records of a source that may be in its queue: waiting, delayed and held together. Holds exactly, over all pollers.',
    { min: 1, max: 100_000_000, unit: 'records' },
  ),
  criticalReserve: wholeNumber(
    'Part of `maxRecords` that is open to critical records only. Default: 5 % of `maxRecords`, at most 500. Must be below `maxRecords`.',
    { min: 0, max: 100_000_000, unit: 'records' },
  ),
  overflow: choice(
    'What happens when the queue is full. `backpressure`: the poll waits, nothing is lost. `drop_oldest`, `drop_lowest`: waiting records of the same or a lower class make room, counted. `reject`: the new records are refused, counted, and may come again with a later poll.',
    overflowModes,
  ),
  chunkSize: wholeNumber(
    'Records that move through Redis as one unit. Default: 500, or `maxRecords` − `criticalReserve` when that is less; more than that is refused.',
    { min: 1, max: largestChunk, unit: 'records' },
  ),
  agingSeconds: wholeNumber(
    'Time after which a waiting chunk rises by one class, counted from its admission, never to critical: so a steady stream of urgent records starves nobody. Only its place in the order changes. 0: never.',
    { min: 0, max: 86_400, unit: 'seconds' },
  ),
  admitWaitMs: wholeNumber(
    'Time without progress that a poll waits for room before it is delayed and gives its slot back.',
    { min: 0, max: 60_000, unit: 'milliseconds' },
  ),
  dedupeMaxIds: wholeNumber(
    'Ids that are remembered per source, about 83 bytes of Redis each. Beyond it the oldest half is forgotten early, counted in the metric `stream_manager_dedupe_early_rotations`.',
    { min: 1_000, max: 100_000_000, unit: 'ids' },
  ),
  keepDropped: flag(
    'Whether records that `drop_oldest` and `drop_lowest` drop are kept as dead letters (code `dropped`), which can be replayed. They count against `delivery.deadLetters` and are added until half of its `maxRecords` or `maxBytes` is taken, by whatever letters, so that they never stop the source from being polled; what finds no room there is lost, with a line in the log. What `reject` refuses is not kept: a later poll may bring it again.',
  ),
};

export const queueSchema = z
  .strictObject({
    maxRecords: fields.maxRecords.default(10_000),
    criticalReserve: fields.criticalReserve.optional(),
    overflow: fields.overflow.default('backpressure'),
    chunkSize: fields.chunkSize.optional(),
    agingSeconds: fields.agingSeconds.default(60),
    admitWaitMs: fields.admitWaitMs.default(2_000),
    dedupeMaxIds: fields.dedupeMaxIds.default(2_000_000),
    keepDropped: fields.keepDropped.default(false),
  })
  .superRefine((queue, context) => {
    for (const { key, message, involves } of queueFaults(queue))
      context.addIssue({ code: 'custom', path: [key], message, params: { involves } });
  })
  .describe('How many records of a source may wait, and what happens to the next. All values hold per source.')
  .prefault({});

export const sourceQueueSchema = z
  .strictObject(fields)
  .partial()
  .describe('Values of the section `queue` that differ for this source.')
  .optional();

type QueueValues = z.output<typeof queueSchema>;

/** The queue's settings of one source, with nothing left open. */
export type QueueSettings = Omit<QueueValues, 'criticalReserve' | 'chunkSize'> & {
  /** Records; 5 % of `maxRecords` and at most 500 unless the config says otherwise. */
  readonly criticalReserve: number;
  /** Records, at most `maxRecords − criticalReserve` and 2,000. */
  readonly chunkSize: number;
};

/** Fills in the two values whose defaults depend on `maxRecords`. */
export function resolveQueue(values: QueueValues): QueueSettings {
  const criticalReserve = values.criticalReserve ?? Math.min(500, Math.floor(values.maxRecords * 0.05));
  const chunkSize = values.chunkSize ?? Math.min(500, values.maxRecords - criticalReserve);
  return { ...values, criticalReserve, chunkSize };
}

/** Contradictions within queue values, global or merged for a source; `message` follows the key's name. */
export function queueFaults(values: QueueValues): readonly SectionFault[] {
  const { maxRecords, criticalReserve, chunkSize } = resolveQueue(values);
  if (criticalReserve >= maxRecords)
    return [
      {
        key: 'criticalReserve',
        message: `must be below maxRecords (${maxRecords}): nothing but critical records could enter`,
        involves: ['maxRecords'],
      },
    ];
  if (chunkSize > maxRecords - criticalReserve)
    return [
      {
        key: 'chunkSize',
        message: `must not be above maxRecords − criticalReserve (${maxRecords} − ${criticalReserve} = ${maxRecords - criticalReserve}): a full chunk could never enter`,
        involves: ['maxRecords', 'criticalReserve'],
      },
    ];
  return [];
}
