// Config section `delivery`: sending to Kafka, what happens when that fails, and where hopeless records go.
import { z } from 'zod';
import { anyNumber, choice, fieldFacts, flag, wholeNumber } from '../fields.ts';

const backoff = z
  .array(wholeNumber('A pause.', { min: 1, max: 3_600_000, unit: 'milliseconds' }))
  .min(1)
  .max(32)
  .describe('Pauses before the second send, the third and so on; beyond the list the last one repeats.')
  .register(fieldFacts, { expects: 'a list of 1 to 32 whole numbers from 1 to 3,600,000 (milliseconds)' });

const circuitBreaker = z
  .strictObject({
    enabled: flag(
      'Whether outages of Kafka stop sending until it answers again. Turned off, outages count as attempts, and a broken Kafka can fill the dead letters: that gives up guarantee 3.',
    ).default(true),
    threshold: wholeNumber('Outages in a row that open the breaker.', { min: 1, max: 1_000, unit: 'outages' }).default(
      5,
    ),
    resetMs: wholeNumber('Time until an open breaker lets one batch through as a trial.', {
      min: 100,
      max: 600_000,
      unit: 'milliseconds',
    }).default(10_000),
  })
  .describe('Stops sending while Kafka is away.')
  .prefault({});

const deadLetters = z
  .strictObject({
    keepDays: anyNumber('Time that a dead letter is kept. Its end is warned of a day before, logged and counted.', {
      min: 0.01,
      max: 3_650,
      unit: 'days',
    }).default(14),
    maxRecords: wholeNumber(
      'Dead letters of a source, beyond which the source stops polling and is shown as degraded, and chunks with refused records wait. Holds exactly over all producers; a poll that finds invalid rows while producers add letters may pass it by the invalid rows of one page, and a row that is replayed and still invalid by one until the old letter has gone.',
      { min: 1, max: 10_000_000, unit: 'dead letters' },
    ).default(100_000),
    maxBytes: wholeNumber(
      'Bytes of the dead letters of a source, beyond which the same happens. The letter that reaches the limit may pass it; after a crash the count may be a minute behind.',
      {
        min: 65_536,
        max: 1_099_511_627_776,
        unit: 'bytes',
      },
    ).default(268_435_456),
    maxInvalidShare: anyNumber(
      'Share of invalid rows in an answer of 20 rows or more above which the poll fails and makes no dead letters.',
      { min: 0, max: 1 },
    ).default(0.5),
  })
  .describe('Records that cannot be published, kept with the reason.')
  .prefault({});

export const deliverySchema = z
  .strictObject({
    maxAttempts: wholeNumber('Sends of a record in all, after which it becomes a dead letter. Outages do not count.', {
      min: 1,
      max: 100,
      unit: 'sends',
    }).default(3),
    backoffMs: backoff.default([1_000, 2_000, 4_000, 8_000, 16_000]),
    jitter: anyNumber(
      'Share of each of these pauses that chance may take away, so that many chunks do not come again at once.',
      {
        min: 0,
        max: 1,
      },
    ).default(0),
    ordering: choice(
      '`none`: the order of a key holds inside one chunk that is published whole. `per-key`: one chunk of a source is on its way at a time over the whole fleet, and a failed one is repeated in place; priorities still overtake.',
      ['none', 'per-key'],
    ).default('none'),
    destinationGraceMs: wholeNumber(
      'Time that records for a topic that is missing or forbidden wait before they become dead letters.',
      { min: 0, max: 86_400_000, unit: 'milliseconds' },
    ).default(300_000),
    maxOpenQueues: wholeNumber(
      'Queues that one producer process works on at a time; those with critical records come first.',
      { min: 1, max: 10_000, unit: 'queues' },
    ).default(200),
    circuitBreaker,
    deadLetters,
  })
  .describe('Sending to Kafka, and what happens when that fails.')
  .prefault({});
