// Config section `throttling`, global and per source: how the flow to Kafka follows the lag of the consumers there.
import { z } from 'zod';
import { anyNumber, fieldFacts, flag, formedText, wholeNumber } from '../fields.ts';
import { type LagThreshold, lagThreshold, printThreshold, targetAboveCritical } from '../lag-threshold.ts';

const group = formedText('A consumer group.', {
  expects: 'the name of a consumer group',
  fits: (text) => text.trim() === text && text.length >= 1 && text.length <= 249,
});

const consumerGroups = z
  .union([z.literal('auto'), z.array(group).min(1).max(100)])
  .describe(
    'Whose lag counts; the worst one decides. `auto`: the groups with commits on the topics of the source, those without a commit for 24 h left out. A group that is named here is never left out.',
  )
  .register(fieldFacts, { expects: 'auto, or a list of 1 to 100 consumer groups' });

const fields = {
  enabled: flag('Whether lag slows polls and sends at all. Lag is measured and shown either way.'),
  consumerGroups,
  minSendRate: anyNumber('Records per second of a source below which throttling never goes.', {
    min: 0.1,
    max: 10_000_000,
    unit: 'records/s',
  }),
  maxSendRate: anyNumber(
    'Records per second of a source that are never exceeded, over the whole fleet, except by critical records: these wait for nothing, and the others wait for what they took.',
    {
      min: 1,
      max: 10_000_000,
      unit: 'records/s',
    },
  ),
  targetConsumerLag: lagThreshold(
    'Lag from which sending slows. A time (`15s`) is the most records published to the topics of the source in any such time of the window, never under 1,000; at least three commit intervals of the consumers. A number is records.',
  ),
  criticalConsumerLag: lagThreshold(
    'Lag from which sending slows hard. A time is read as in `targetConsumerLag`, never under 5,000. A number is records. Never taken as lower than the target.',
  ),
  adjustmentFactor: anyNumber('What delay and rate are multiplied or divided by from level to level.', {
    min: 1.05,
    max: 10,
  }),
  windowSeconds: wholeNumber('Length of the window over which lag is averaged.', {
    min: 1,
    max: 3_600,
    unit: 'seconds',
  }),
  sampleIntervalMs: wholeNumber(
    'Time between two samples of lag; one sample serves the whole fleet. All decisions go by samples: from the lowest rate to the highest it takes 32 low ones, half a minute with the default, half an hour with 60000.',
    {
      min: 100,
      max: 60_000,
      unit: 'milliseconds',
    },
  ),
  baseDelayMs: wholeNumber('Pause between two batches of a source at level 0 while it is throttled.', {
    min: 0,
    max: 600_000,
    unit: 'milliseconds',
  }),
  maxDelayMs: wholeNumber('Longest pause between two batches of a source.', {
    min: 0,
    max: 600_000,
    unit: 'milliseconds',
  }),
  recoveryChecks: wholeNumber('Samples below the target in a row after which sending speeds up again.', {
    min: 1,
    max: 1_000,
    unit: 'samples',
  }),
};

export const throttlingSchema = z
  .strictObject({
    enabled: fields.enabled.default(true),
    consumerGroups: fields.consumerGroups.default('auto'),
    minSendRate: fields.minSendRate.default(10),
    maxSendRate: fields.maxSendRate.default(100_000),
    targetConsumerLag: fields.targetConsumerLag.prefault('15s'),
    criticalConsumerLag: fields.criticalConsumerLag.prefault('60s'),
    adjustmentFactor: fields.adjustmentFactor.default(1.5),
    windowSeconds: fields.windowSeconds.default(60),
    sampleIntervalMs: fields.sampleIntervalMs.default(1_000),
    baseDelayMs: fields.baseDelayMs.default(1_000),
    maxDelayMs: fields.maxDelayMs.default(16_000),
    recoveryChecks: fields.recoveryChecks.default(10),
  })
  .superRefine((throttling, context) => {
    for (const { key, message, involves } of throttlingFaults(throttling))
      context.addIssue({ code: 'custom', path: [key], message, params: { involves } });
  })
  .describe('How the flow to Kafka follows the lag of the consumers there. All values hold per source.')
  .prefault({});

export const sourceThrottlingSchema = z
  .strictObject(fields)
  .partial()
  .describe('Values of the section `throttling` that differ for this source.')
  .optional();

/** The throttle's settings of one source, with nothing left open. */
export type ThrottlingSettings = z.output<typeof throttlingSchema>;

/** A value of a section that contradicts another one. */
export type SectionFault = { readonly key: string; readonly message: string; readonly involves: readonly string[] };

/** Contradictions within throttling values, global or merged for a source; `message` follows the key's name. */
export function throttlingFaults(values: ThrottlingSettings): readonly SectionFault[] {
  const faults: SectionFault[] = [];
  if (values.minSendRate > values.maxSendRate)
    faults.push({
      key: 'minSendRate',
      message: `must not be above maxSendRate (${values.maxSendRate} records/s)`,
      involves: ['maxSendRate'],
    });
  if (targetAboveCritical(values.targetConsumerLag, values.criticalConsumerLag) === 'always')
    faults.push({
      key: 'targetConsumerLag',
      message: `must not be above criticalConsumerLag (${printThreshold(values.criticalConsumerLag)})${floorNote(values)}`,
      involves: ['criticalConsumerLag'],
    });
  if (values.baseDelayMs > values.maxDelayMs)
    faults.push({
      key: 'baseDelayMs',
      message: `must not be above maxDelayMs (${values.maxDelayMs})`,
      involves: ['maxDelayMs'],
    });
  if (values.sampleIntervalMs > values.windowSeconds * 1_000)
    faults.push({
      key: 'sampleIntervalMs',
      message: `must not be longer than windowSeconds (${values.windowSeconds} s)`,
      involves: ['windowSeconds'],
    });
  return faults;
}

const floorNote = (values: { targetConsumerLag: LagThreshold; criticalConsumerLag: LagThreshold }): string =>
  values.targetConsumerLag.kind === 'time' && values.criticalConsumerLag.kind === 'records'
    ? ': a target given as a time is never under 1000 records'
    : '';
