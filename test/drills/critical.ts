// How long a critical record takes from the answer into Kafka while its source's queue is full of low ones: in peace, while
// the source is throttled, and while another one is. Polls are asked for every second, since the throttle delays those of
// the schedule; each brings a few records, one in twenty-five of them critical.
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { expectedPriority } from '@stream-manager/testkit/accounting/expected-priority';
import { leaveGroupAtBeginning } from '@stream-manager/testkit/accounting/group-lag';
import { startPacedConsumer } from '@stream-manager/testkit/consumers/paced-consumer';
import { createTopic } from '@stream-manager/testkit/stack/kafka-topics';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { absentOf, arrivalsOf, fromAnswer, printSpread, type Spread, spreadOf } from './arrivals.ts';
import type { Drill } from './drill.ts';
import type { Ground } from './ground.ts';
import type { LoadPlan } from './load.ts';
import { type ThrottleWatch, watchThrottle } from './throttle-watch.ts';

const measured = 'fires-snpp';
const beside = 'fires-noaa20';
const stuckReaders = 'stuck-readers';

const firesPerSecond = 60;
const maxRecords = 10_000;
const criticalReserve = 500;
/** As full as low records make it: the next chunk of them does not fit in, or does since a batch has just gone. */
const fullFrom = maxRecords - criticalReserve - 2 * 500;
const limitMs = 1_000;
const fewest = 60;
/** Of the measured source's fires. */
const satelliteOfMeasured = 'N';
/** About so many fires are critical: confidence high and more than 100 MW. */
const criticalShare = 0.04;

/** Pauses from 1 to 16 s behind readers that do not read. */
const throttled = {
  consumerGroups: [stuckReaders],
  targetConsumerLag: 1_000,
  criticalConsumerLag: 2_000,
  adjustmentFactor: 2,
  maxSendRate: 5_000,
};
/** No lag is followed: only the rate keeps the queue full. */
const unthrottled = { consumerGroups: ['nobody'], maxSendRate: 50 };

interface Situation {
  readonly name: string;
  readonly title: string;
  /** Which of the two sources the throttle holds back. */
  readonly held: typeof measured | typeof beside | null;
  /** At the end so many seconds pass at once, one after the other. */
  readonly leaps: readonly number[];
}

const sourceConfig = (isHeld: boolean): Readonly<Record<string, unknown>> => ({
  // The schedule polls too, but seldom: polls are asked for, and each is to ask the provider.
  every: '10s',
  cacheTtlSeconds: 0,
  queue: { maxRecords, criticalReserve, admitWaitMs: 200 },
  throttling: isHeld ? throttled : unthrottled,
});

const loadOf = (held: Situation['held']): LoadPlan => ({
  firesPerSecond,
  backlog: held === measured ? 20_000 : 12_000,
  otherFires: held === beside ? { firesPerSecond: 10, backlog: 20_000 } : { firesPerSecond: 0, backlog: 1 },
  priorities: { firms: 'low' },
  sources: { [measured]: sourceConfig(held === measured), [beside]: sourceConfig(held === beside) },
});

const criticalDrill = ({ name, title, held, leaps }: Situation): Drill => ({
  name,
  title,
  plan: { servers: { stampsAppendTime: true }, load: loadOf(held) },
  warmUp: 0,
  pollNow: true,
  prepare: async (ground) => {
    const brokers = ground.servers.direct.kafkaBrokers;
    for (const topic of [ground.topics.firms, ground.topics.otherFirms]) {
      await createTopic(brokers, { name: topic });
      await leaveGroupAtBeginning({ brokers, groupId: stuckReaders, topic });
    }
  },
  harm: async (ground) => {
    const watch = watchThrottle(ground, measured);
    const watchBeside = watchThrottle(ground, beside);
    const asking = askForPolls(ground);
    try {
      await waitUntil('a full queue', () => queuedIn(watch) >= fullFrom, {
        timeoutMs: 60_000,
      });
      if (held !== null)
        await waitUntil(
          'the highest level of the throttle',
          () => (held === measured ? watch : watchBeside).decisions.at(-1)?.level === 4,
          { timeoutMs: 60_000 },
        );
      const from = Date.now();
      await pause(80_000);
      const to = Date.now();
      // What was served last has its time to arrive, too.
      await pause(2 * limitMs);
      const problems: string[] = [];
      const steady = await criticalsIn(ground, from, to);
      const { spread } = steady;
      if (steady.absent > 0) problems.push(`${steady.absent} critical records were not in Kafka by the end`);
      if (spread.count < fewest) problems.push(`only ${spread.count} critical records came`);
      if (spread.p99 >= limitMs)
        problems.push(`critical records took ${printSpread(spread)}, allowed are ${limitMs} ms`);
      const during = watch.shown.filter(({ at }) => at >= from && at < to);
      const least = during.reduce((few, { stream }) => Math.min(few, total(stream)), Number.POSITIVE_INFINITY);
      if (least < fullFrom) problems.push(`the queue was down to ${least} records, full is from ${fullFrom}`);
      if (watch.mostQueued() > maxRecords) problems.push(`${watch.mostQueued()} records were queued`);
      if (!during.some(({ stream }) => stream.pollDelayed?.by === 'room' || stream.lastPoll?.outcome === 'deferred'))
        problems.push('no poll found the queue full');
      const decisions = (held === beside ? watchBeside : watch).decisions.filter(
        ({ sampledAt }) => sampledAt >= from && sampledAt < to,
      );
      const isHeld = decisions.every(({ action }) => action.startsWith('throttle_'));
      if (isHeld !== (held !== null)) problems.push(`the source was${isHeld ? '' : ' not'} throttled`);
      const pauses = decisions.map(({ delayMs }) => delayMs);
      const bursts: string[] = [];
      for (const seconds of leaps) {
        const burst = await leap(ground, seconds);
        bursts.push(`${burst.count} at once: ${printSpread(burst)}`);
      }
      ground.progress.healed();
      await letGo(ground, held);
      await waitUntil('the queue to empty', () => queuedIn(watch) < 100, { timeoutMs: 120_000 });
      return {
        doubled: 0,
        problems,
        note: [
          `critical records ${printSpread(spread)}`,
          `${least} to ${watch.mostQueued()} records queued`,
          ...(held === null ? [] : [`pauses up to ${Math.max(...pauses)} ms`]),
          ...bursts,
        ].join('; '),
      };
    } finally {
      asking.abort();
      await Promise.all([watch.stop(), watchBeside.stop()]);
    }
  },
});

const total = ({ queued }: ThrottleWatch['shown'][number]['stream']): number =>
  Object.values(queued).reduce((sum, records) => sum + records, 0);
const queuedIn = (watch: ThrottleWatch): number => {
  const last = watch.shown.at(-1);
  return last === undefined ? 0 : total(last.stream);
};

/** Asks for a poll of the measured source every second, until it is aborted. */
const askForPolls = (ground: Ground): AbortController => {
  const asking = new AbortController();
  const ask = async (): Promise<void> => {
    while (!asking.signal.aborted) {
      // A poll that runs already is as good.
      await ground.act(measured, 'poll').catch(() => {});
      await pause(1_000, undefined, { signal: asking.signal }).catch(() => {});
    }
  };
  void ask();
  return asking;
};

/** How long critical records took that were served in some time, and how many of these are not stored. */
interface Criticals {
  readonly spread: Spread;
  readonly absent: number;
}

const criticalsIn = async (ground: Ground, from: number, to: number): Promise<Criticals> => {
  const { ledger } = ground.load.providers;
  const stored = await ground.stored();
  const isWithin = (at: number): boolean => at >= from && at < to;
  const arrivals = arrivalsOf(ledger, stored).filter(
    ({ sourceId, priority, servedAt }) => sourceId === measured && priority === 'critical' && isWithin(servedAt),
  );
  const absent = absentOf(ledger, stored).filter(
    (record) =>
      isWithin(record.firstServedAt) &&
      record.data['satellite'] === satelliteOfMeasured &&
      expectedPriority(record, 'low') === 'critical',
  );
  return { spread: spreadOf(arrivals.map(fromAnswer)), absent: absent.length };
};

/** Lets time pass at once, and waits until all critical records of it are stored. */
const leap = async (ground: Ground, seconds: number): Promise<Spread> => {
  const from = Date.now();
  ground.load.leap(seconds);
  const expected = seconds * firesPerSecond * criticalShare * 0.8;
  return waitUntil(
    'the critical records of a leap',
    async () => {
      const { spread, absent } = await criticalsIn(ground, from, Number.POSITIVE_INFINITY);
      return absent === 0 && spread.count >= expected ? spread : null;
    },
    { timeoutMs: 90_000, intervalMs: 1_000 },
  );
};

/** Ends what keeps the queue full: the readers read, and the operator raises the rate. */
const letGo = async (ground: Ground, held: Situation['held']): Promise<void> => {
  const rate = `maxSendRate: ${unthrottled.maxSendRate}\n`;
  const config = await readFile(ground.configFile, 'utf8');
  await writeFile(ground.configFile, config.replaceAll(rate, `maxSendRate: ${throttled.maxSendRate}\n`));
  for (const place of ['producer-1', 'producer-2'] as const) {
    await ground.fleet.stop(place);
    await ground.fleet.start(place).url();
  }
  if (held === null) return;
  const topic = held === measured ? ground.topics.firms : ground.topics.otherFirms;
  const brokers = ground.servers.direct.kafkaBrokers;
  const readers = await startPacedConsumer({ brokers, groupId: stuckReaders, topic });
  ground.atEnd(() => readers.stop());
};

export const criticalDrills: readonly Drill[] = [
  criticalDrill({
    name: 'critical-full',
    title: 'critical records of a source whose queue is full of low ones',
    held: null,
    leaps: [],
  }),
  criticalDrill({
    name: 'critical-throttled',
    title: 'the same while the source is throttled, its consumers standing still; then 400 and 1,000 of them at once',
    held: measured,
    leaps: [167, 417],
  }),
  criticalDrill({
    name: 'critical-beside',
    title: 'the same while another source is throttled',
    held: beside,
    leaps: [],
  }),
];
