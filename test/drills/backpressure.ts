// Drills of the throttle: a real consumer in a real group stops, is slow and comes back, and the flow to Kafka follows it.
// The drill reads the lag by itself. The load is one busy source with plain thresholds and quick samples, so that minutes
// become seconds, and another one with a topic and consumers of its own.
import { setTimeout as pause } from 'node:timers/promises';
import { fleetKeys } from '@stream-manager/shared/queues/keys';
import { expectedPriority } from '@stream-manager/testkit/accounting/expected-priority';
import { type LagWatch, type SeenLag, watchGroupLag } from '@stream-manager/testkit/accounting/group-lag';
import { type PacedConsumer, startPacedConsumer } from '@stream-manager/testkit/consumers/paced-consumer';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { absentOf, arrivalsOf, fromAnswer, printSpread, spreadOf } from './arrivals.ts';
import { type Allowance, type Drill, inFlight } from './drill.ts';
import type { Ground } from './ground.ts';
import { longestGapMs, type SeenDecision, type ThrottleWatch, watchThrottle } from './throttle-watch.ts';

const busy = 'fires-snpp';
/** Of its fires. */
const satelliteOfBusy = 'N';
const other = 'fires-noaa20';
const busyReaders = 'busy-readers';
const otherReaders = 'other-readers';

/** How much and how long. */
interface Scale {
  readonly firesPerSecond: number;
  /** What happens at once when the consumer stops, in seconds of the flow. */
  readonly leapSeconds: number;
  readonly maxRecords: number;
  readonly target: number;
  readonly critical: number;
  readonly calmMs: number;
  readonly stoppedMs: number;
  /** Of the slow consumer, in records/s. */
  readonly capacity: number;
  readonly slowMs: number;
  /** What a busy machine may add to times that are promised, in milliseconds. */
  readonly slackMs: number;
}

const sampleIntervalMs = 200;
/** Of the busy source. */
const throttling = {
  windowSeconds: 10,
  baseDelayMs: 200,
  maxDelayMs: 2_000,
  recoveryChecks: 10,
  adjustmentFactor: 1.5,
  minSendRate: 10,
  maxSendRate: 20_000,
};
const batchSize = 500;
const producers = 2;
/** Batches of a source that a worker may have on their way, and one more of critical records. */
const batchesInFlight = 5;
const criticalLimitMs = 1_000;
const recoveryLimitMs = 60_000;

/** When what happened, in epoch milliseconds. */
interface Times {
  readonly calmAt: number;
  readonly stoppedAt: number;
  readonly slowAt: number;
  readonly resumedAt: number;
  /** The lag was below the target. */
  readonly goneAt: number;
  /** The source was at its full rate. */
  readonly fullAt: number;
}

/** Doubles that a kill may leave, and what else there is to tell of it. */
interface Kill {
  readonly doubled: number;
  readonly note: string;
  readonly problems: readonly string[];
}

const isFull = ({ action, level, allowedRate }: SeenDecision): boolean =>
  action === 'none' && level === 0 && allowedRate === throttling.maxSendRate;

const backpressureDrill = (name: string, scale: Scale, kill: boolean): Drill => ({
  name,
  title: `a consumer stops for ${scale.stoppedMs / 1_000} s, is slow for ${scale.slowMs / 1_000} s and comes back${
    kill ? '; the producer that samples the lag: SIGKILL in the middle' : ''
  }`,
  plan: {
    servers: { stampsAppendTime: true },
    load: {
      firesPerSecond: scale.firesPerSecond,
      otherFires: { firesPerSecond: 50, backlog: 500 },
      sources: {
        [busy]: {
          queue: { maxRecords: scale.maxRecords },
          throttling: {
            ...throttling,
            consumerGroups: [busyReaders],
            targetConsumerLag: scale.target,
            criticalConsumerLag: scale.critical,
          },
        },
        [other]: { throttling: { consumerGroups: [otherReaders] } },
      },
    },
    config: {
      throttling: { sampleIntervalMs },
    },
  },
  warmUp: 2_000,
  harm: async (ground) => {
    const brokers = ground.servers.direct.kafkaBrokers;
    const topic = ground.topics.firms;
    // They read to the end: what is left to publish would wait for them.
    const startReader = async (groupId: string, of: string, capacity: number): Promise<PacedConsumer> => {
      const reader = await startPacedConsumer({ brokers, groupId, topic: of, capacity });
      ground.atEnd(() => reader.stop());
      return reader;
    };
    const first = await startReader(busyReaders, topic, Number.POSITIVE_INFINITY);
    await startReader(otherReaders, ground.topics.otherFirms, Number.POSITIVE_INFINITY);
    const lag = await watchGroupLag({ brokers, groupId: busyReaders, topic });
    const throttle = watchThrottle(ground, busy);
    const otherThrottle = watchThrottle(ground, other);
    try {
      const calmAt = await isCalm(throttle, lag);
      await pause(scale.calmMs);
      await first.stop();
      const stoppedAt = Date.now();
      ground.load.leap(scale.leapSeconds);
      await pause(scale.stoppedMs);
      const slow = await startReader(busyReaders, topic, scale.capacity);
      const slowAt = Date.now();
      await pause(scale.slowMs / 2);
      const killed = kill ? await killSampler(ground, throttle, scale.slackMs) : null;
      await pause(scale.slowMs / 2);
      slow.setCapacity(Number.POSITIVE_INFINITY);
      const resumedAt = Date.now();
      ground.progress.healed();
      const goneAt = await waitUntil(
        'the lag to be gone',
        () => lag.seen.find((look) => look.at > resumedAt && look.lag < scale.target)?.at,
        { timeoutMs: 60_000 },
      );
      const fullAt = await waitUntil(
        'the full rate',
        () => throttle.decisions.find((decision) => decision.sampledAt > goneAt && isFull(decision))?.sampledAt,
        { timeoutMs: 120_000 },
      );
      if (killed !== null) ground.fleet.start(killed.place);
      const times = { calmAt, stoppedAt, slowAt, resumedAt, goneAt, fullAt };
      return await judge(ground, scale, { times, lag: lag.seen, throttle, otherThrottle, kill: killed });
    } finally {
      await Promise.all([lag.stop(), throttle.stop(), otherThrottle.stop()]);
    }
  },
});

/** Waits until the consumer keeps up and the source is at its full rate. */
const isCalm = (throttle: ThrottleWatch, lag: LagWatch): Promise<number> =>
  waitUntil(
    'the consumer to keep up',
    () => {
      const decision = throttle.decisions.at(-1);
      const look = lag.seen.at(-1);
      return decision !== undefined && isFull(decision) && look !== undefined && look.lag < 500 ? Date.now() : null;
    },
    { timeoutMs: 60_000 },
  );

/** Kills the producer that holds the lease on sampling, and waits for the samples of the other. */
const killSampler = async (
  ground: Ground,
  throttle: ThrottleWatch,
  slackMs: number,
): Promise<Kill & { readonly place: 'producer-1' | 'producer-2' }> => {
  const key = fleetKeys(ground.keyPrefix).lease('lag');
  const place = await waitUntil('a producer to hold the lease on sampling', async () => {
    const holder = await ground.redis.get(key);
    return (['producer-1', 'producer-2'] as const).find((each) => holder?.includes(`-${ground.fleet.at(each).pid}-`));
  });
  const usualMs = longestGapMs(throttle.decisions);
  const before = throttle.decisions.length;
  await ground.fleet.kill(place);
  const doubled = await inFlight(ground, 1);
  await waitUntil('samples to go on', () => throttle.decisions.length >= before + 5, { timeoutMs: 30_000 });
  const gapMs = Math.round(longestGapMs(throttle.decisions.slice(before - 1, before + 5)));
  const late = Math.max(0, usualMs - sampleIntervalMs);
  const allowedMs = 2 * sampleIntervalMs + late + slackMs;
  return {
    place,
    doubled,
    note: `${gapMs} ms between two samples over the kill (usually at most ${Math.round(usualMs)})`,
    problems: gapMs > allowedMs ? [`${gapMs} ms without a sample over the kill, allowed are ${allowedMs}`] : [],
  };
};

interface Watched {
  readonly times: Times;
  readonly lag: readonly SeenLag[];
  readonly throttle: ThrottleWatch;
  readonly otherThrottle: ThrottleWatch;
  readonly kill: Kill | null;
}

const between = <T>(items: readonly T[], at: (item: T) => number, from: number, to: number): T[] =>
  items.filter((item) => at(item) >= from && at(item) < to);

const judge = async (ground: Ground, scale: Scale, watched: Watched): Promise<Allowance> => {
  const { times, lag, throttle, otherThrottle, kill } = watched;
  const stored = await ground.stored();
  const arrivals = arrivalsOf(ground.load.providers.ledger, stored);
  const throttled = between(arrivals, ({ servedAt }) => servedAt, times.stoppedAt, times.resumedAt);
  const criticals = throttled.filter(({ sourceId, priority }) => sourceId === busy && priority === 'critical');
  const others = throttled.filter(({ sourceId }) => sourceId === other);
  const found: string[] = [...(kill?.problems ?? [])];
  const check = (holds: boolean, problem: string): void => {
    if (!holds) found.push(problem);
  };

  // The overshoot: the rate halves and more with every sample, and what has leave is on its way.
  const held = between(lag, ({ at }) => at, times.stoppedAt, times.resumedAt);
  const settledAt = held.find((look) => look.at > times.slowAt && look.lag < scale.target)?.at;
  const rising = between(held, ({ at }) => at, times.stoppedAt, settledAt ?? times.resumedAt);
  const peak = rising.reduce((most, look) => (look.lag > most.lag ? look : most), {
    at: times.stoppedAt,
    lag: 0,
    end: 0,
  });
  const gapSeconds =
    longestGapMs(between(throttle.decisions, ({ sampledAt }) => sampledAt, times.calmAt, peak.at)) / 1_000;
  const overshoot = Math.round(
    (throttling.maxSendRate * gapSeconds) / (1 - 1 / throttling.adjustmentFactor ** 2) +
      producers * batchesInFlight * batchSize +
      (throttling.minSendRate * (peak.at - times.stoppedAt)) / 1_000 +
      between(criticals, ({ writtenAt }) => writtenAt, times.stoppedAt, peak.at).length,
  );
  check(peak.lag >= scale.critical, `the lag never came to ${scale.critical}: the drill has shown nothing`);
  check(
    peak.lag <= scale.critical + overshoot,
    `the lag rose to ${peak.lag}, allowed are ${scale.critical} + ${overshoot}`,
  );

  // Near the target from when it first came back to it until the consumer was quick again.
  const near = between(held, ({ at }) => at, settledAt ?? Number.POSITIVE_INFINITY, times.resumedAt);
  const lags = near.map((look) => look.lag).sort((one, another) => one - another);
  const [median = 0, most = 0] = [lags[Math.floor(lags.length / 2)], lags.at(-1)];
  const nearDecisions = between(throttle.decisions, ({ sampledAt }) => sampledAt, settledAt ?? 0, times.resumedAt);
  const fastest = nearDecisions.reduce((rate, { allowedRate }) => Math.max(rate, allowedRate), 0);
  const nearOvershoot = Math.round(
    (fastest * longestGapMs(nearDecisions)) / 1_000 / (1 - 1 / throttling.adjustmentFactor) + producers * batchSize,
  );
  check(settledAt !== undefined, `the lag never came back to the target while the consumer was slow`);
  check(
    most <= scale.target + nearOvershoot,
    `the lag rose to ${most} again, allowed are ${scale.target} + ${nearOvershoot}`,
  );

  // Bounded, visible, isolated, urgent first.
  check(
    throttle.mostQueued() <= scale.maxRecords,
    `${throttle.mostQueued()} records were queued, allowed are ${scale.maxRecords}`,
  );
  const during = between(throttle.shown, ({ at }) => at, times.stoppedAt, times.resumedAt).map(({ stream }) => stream);
  for (const action of ['throttle_moderate', 'throttle_critical']) {
    const isShown = during.some(
      ({ throttle: { action: shown, delayMs, allowedRate, level } }) =>
        shown === action &&
        delayMs > 0 &&
        allowedRate < throttling.maxSendRate &&
        (level > 0 || action !== 'throttle_critical'),
    );
    check(isShown, `the API never showed ${action}`);
  }
  check(
    during.some(
      ({ pollDelayed, lastPoll }) =>
        pollDelayed?.by === 'throttle' ||
        (lastPoll?.outcome === 'deferred' && lastPoll.error?.startsWith('the consumers are behind') === true),
    ),
    'the API showed no poll deferred by the throttle',
  );
  check((throttle.delayedJobs.get('throttle') ?? 0) > 0, 'no poll job was delayed by the throttle');
  check(
    otherThrottle.decisions.every(({ delayMs, level }) => delayMs === 0 && level === 0),
    'the other source was throttled too',
  );
  check(
    (otherThrottle.delayedJobs.get('throttle') ?? 0) === 0,
    'a poll of the other source was delayed by the throttle',
  );
  const [urgent, beside] = [spreadOf(criticals.map(fromAnswer)), spreadOf(others.map(fromAnswer))];
  const absent = absentOf(ground.load.providers.ledger, stored).filter(
    (record) =>
      record.firstServedAt < times.resumedAt &&
      record.data['satellite'] === satelliteOfBusy &&
      expectedPriority(record, 'high') === 'critical',
  );
  check(absent.length === 0, `${absent.length} critical records were not in Kafka by the end`);
  check(urgent.count > 0, 'no critical record came while the source was throttled');
  check(beside.count > 0, 'no record of the other source came meanwhile');
  // On a machine that is too busy to bring the other source's records in time, these cannot come either.
  const limitMs = Math.max(criticalLimitMs, beside.most) + scale.slackMs;
  check(urgent.p99 < limitMs, `critical records took ${printSpread(urgent)}, allowed are ${limitMs}`);

  const recoveryMs = times.fullAt - times.goneAt;
  check(recoveryMs < recoveryLimitMs, `full rate only ${recoveryMs} ms after the lag was gone`);

  const levels = between(throttle.decisions, ({ sampledAt }) => sampledAt, times.stoppedAt, times.resumedAt);
  for (const line of timeline(watched)) ground.say(line);
  return {
    doubled: kill?.doubled ?? 0,
    problems: found,
    note: [
      `lag at most ${peak.lag} (target ${scale.target}, critical ${scale.critical}, overshoot allowed ${overshoot})`,
      `then median ${median}, at most ${most}`,
      `at most ${throttle.mostQueued()} of ${scale.maxRecords} records queued`,
      `rate down to ${Math.round(levels.reduce((least, { allowedRate }) => Math.min(least, allowedRate), Number.POSITIVE_INFINITY))}/s`,
      `pauses up to ${levels.reduce((longest, { delayMs }) => Math.max(longest, delayMs), 0)} ms`,
      `full rate ${(recoveryMs / 1_000).toFixed(1)} s after the lag was gone`,
      `critical records ${printSpread(urgent)}`,
      `other source ${printSpread(beside)}`,
      ...(kill === null ? [] : [kill.note]),
    ].join('; '),
  };
};

/** One line a second: what a person would watch. */
const timeline = ({ times, lag, throttle }: Watched): readonly string[] => {
  const lines: string[] = [];
  for (let at = times.calmAt; at < times.fullAt + 1_000; at += 1_000) {
    const look = lag.findLast((seen) => seen.at <= at);
    const decision = throttle.decisions.findLast(({ sampledAt }) => sampledAt <= at);
    const shown = throttle.shown.findLast((seen) => seen.at <= at)?.stream;
    if (look === undefined || decision === undefined || shown === undefined) continue;
    const queued = Object.values(shown.queued).reduce((sum, records) => sum + records, 0);
    const phase =
      at < times.stoppedAt ? 'calm' : at < times.slowAt ? 'stopped' : at < times.resumedAt ? 'slow' : 'quick';
    lines.push(
      `${String(Math.round((at - times.stoppedAt) / 1_000)).padStart(5)} s ${phase.padEnd(8)} lag ${String(look.lag).padStart(6)}  ` +
        `${decision.action.padEnd(18)} level ${decision.level}  ${decision.allowedRate.toFixed(0).padStart(6)}/s  ` +
        `${String(decision.delayMs).padStart(5)} ms  queued ${String(queued).padStart(6)}  ` +
        `poll ${shown.pollDelayed?.by ?? shown.lastPoll?.outcome ?? '-'}`,
    );
  }
  return lines;
};

const long: Scale = {
  firesPerSecond: 250,
  leapSeconds: 56,
  maxRecords: 10_000,
  target: 1_000,
  critical: 3_000,
  calmMs: 8_000,
  stoppedMs: 20_000,
  capacity: 500,
  slowMs: 45_000,
  slackMs: 0,
};

export const backpressureDrills: readonly Drill[] = [
  backpressureDrill('backpressure', long, false),
  backpressureDrill('backpressure-kill', long, true),
];

/** The short form for `npm test`. */
export const shortBackpressure: Drill = backpressureDrill(
  'backpressure-short',
  {
    ...long,
    leapSeconds: 32,
    maxRecords: 4_000,
    target: 500,
    critical: 1_500,
    calmMs: 500,
    stoppedMs: 5_000,
    capacity: 1_000,
    slowMs: 12_000,
    slackMs: 2_000,
  },
  true,
);
