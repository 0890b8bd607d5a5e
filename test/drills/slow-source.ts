// One slow source of fifty: a provider that does not answer, then one that answers in drops. The other forty-nine are
// polled on time and published as before.
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { arrivalsOf, printSpread, spreadOf } from './arrivals.ts';
import type { Drill } from './drill.ts';
import type { Ground } from './ground.ts';
import { basePriorities, type Load } from './load.ts';

const slow = 'sensors';
const others = Array.from({ length: 49 }, (_unused, index) => `fires-${String(index + 1).padStart(2, '0')}`);
const mapKeyOf = (sourceId: string): string => `key-of-${sourceId}`;
const periodMs = 2_000;
const timeoutSeconds = 5;
const bbox = [-124.48, 32.53, -114.13, 42.01];

/** Fifty sources: forty-nine of the same fires, each with a key of its own so that they can be told apart, and one other. */
const startFifty = async (): Promise<Load> => {
  let stoppedAt = Number.POSITIVE_INFINITY;
  const startedAt = Date.now();
  const providers = await startProviders({
    startAt: startedAt,
    seed: randomInt(1, 1_000_000),
    separatePorts: true,
    worldNow: () => Math.min(Date.now(), stoppedAt),
    mapKeys: others.map(mapKeyOf),
    requestLogLimit: 20_000,
    firms: { backlog: 60, perMinute: 60 },
    purpleair: { count: 1_500, intervalSeconds: 10_000_000 },
  });
  const every = `${periodMs / 1_000}s`;
  const frame = { mode: 'batch', every, rateLimitPerMinute: 600 };
  return {
    providers,
    startedAt,
    sourceIds: [...others, slow],
    sources: (topics) => ({
      ...Object.fromEntries(
        others.map((sourceId, index) => [
          sourceId,
          {
            ...frame,
            type: 'nasa-firms',
            priority: basePriorities.firms,
            topic: topics.firms,
            // Two hosts: half of a poller's slots is each one's share.
            baseUrl: index % 2 === 0 ? providers.urls.firms : providers.urls.nws,
            params: { mapKey: mapKeyOf(sourceId), dataset: 'VIIRS_SNPP_NRT', bbox, dayRange: 1 },
          },
        ]),
      ),
      [slow]: {
        ...frame,
        type: 'purpleair',
        priority: basePriorities.purpleair,
        topic: topics.purpleair,
        timeoutSeconds,
        baseUrl: providers.urls.purpleair,
        params: { apiKey: '${TEST_API_KEY}', bbox },
      },
    }),
    ownTopic: () => null,
    priorities: basePriorities,
    everySource: (kind) => (kind === 'firms' ? others : [slow]),
    leap: () => {},
    stopClock: () => {
      stoppedAt = Math.min(stoppedAt, Date.now());
    },
  };
};

/** A stretch of the drill, in epoch milliseconds. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** The pauses between the polls of each of the forty-nine that ended in the stretch, in milliseconds. */
const gapsIn = (ground: Ground, { from, to }: Stretch): readonly number[] => {
  const last = new Map<string, number>();
  const gaps: number[] = [];
  for (const { route, path, at } of ground.load.providers.requests()) {
    if (route !== 'firms') continue;
    const key = path.split('/')[4] ?? '';
    const before = last.get(key);
    last.set(key, at);
    if (before !== undefined && at >= from && at < to) gaps.push(at - before);
  }
  return gaps;
};

const isAsked = (ground: Ground, stretch: Stretch): boolean => {
  const asked = new Set(
    ground.load.providers
      .requests()
      .filter(({ route, at }) => route === 'firms' && at >= stretch.from && at < stretch.to)
      .map(({ path }) => path.split('/')[4]),
  );
  return asked.size === others.length;
};

interface Scale {
  readonly calmMs: number;
  readonly hangMs: number;
  readonly dripMs: number;
  /** What a busy machine may add, in milliseconds. */
  readonly slackMs: number;
}

const slowSourceDrill = (name: string, scale: Scale): Drill => ({
  name,
  title: `one source of fifty: its provider does not answer for ${scale.hangMs / 1_000} s, then answers in drops for ${scale.dripMs / 1_000} s`,
  plan: {
    servers: { stampsAppendTime: true },
    load: startFifty,
  },
  warmUp: 49 * 60,
  harm: async (ground) => {
    const { providers } = ground.load;
    const stretch = async (ms: number): Promise<Stretch> => {
      const from = Date.now();
      await pause(ms);
      return { from, to: Date.now() };
    };
    await waitUntil('every source to be polled', () => isAsked(ground, { from: 0, to: Date.now() }), {
      timeoutMs: 60_000,
    });
    const calm = await stretch(scale.calmMs);
    providers.setFaults({ purpleair: { chance: { 'slow-headers': 1 }, slowMs: 600_000 } });
    const hung = await stretch(scale.hangMs);
    providers.setFaults({ purpleair: { chance: { 'slow-body': 1 }, slowMs: timeoutSeconds * 900 } });
    const dripping = await stretch(scale.dripMs);
    providers.setFaults({});
    ground.progress.healed();
    const arrivals = arrivalsOf(providers.ledger, await ground.stored());
    const during = { from: hung.from, to: dripping.to };
    const published = ({ from, to }: Stretch) =>
      spreadOf(
        arrivals
          .filter(({ sourceId, ingestedAt }) => sourceId !== slow && ingestedAt >= from && ingestedAt < to)
          .map(({ ingestedAt, writtenAt }) => writtenAt - ingestedAt),
      );
    const [usual, gaps] = [spreadOf(gapsIn(ground, calm)), spreadOf(gapsIn(ground, during))];
    const [usually, meanwhile] = [published(calm), published(during)];
    const problems: string[] = [];
    // One period late at most beyond what it was on this machine anyway.
    const latest = Math.max(periodMs, usual.most) + periodMs + scale.slackMs;
    if (gaps.most > latest) problems.push(`a source was not polled for ${gaps.most} ms, allowed are ${latest}`);
    const due =
      Math.floor((during.to - during.from) / (periodMs + Math.max(0, usual.p50 - periodMs)) - 1) * others.length;
    if (gaps.count < due * 0.9) problems.push(`the others were polled ${gaps.count} times, ${due} were due`);
    const publishLimitMs = Math.max(1_000, 2 * usually.most) + scale.slackMs;
    if (meanwhile.count === 0) problems.push('no record of the others came meanwhile');
    if (meanwhile.p99 > publishLimitMs)
      problems.push(`records of the others took ${printSpread(meanwhile)}, allowed are ${publishLimitMs} ms`);
    const failed = providers.requests().filter(({ route, aborted }) => route === 'purpleair' && aborted).length;
    if (failed === 0) problems.push('the slow provider was never given up: the drill has shown nothing');
    return {
      doubled: 0,
      problems,
      note: [
        `the slow one was given up ${failed} times`,
        `time between polls of the others: before ${printSpread(usual)}, meanwhile ${printSpread(gaps)}`,
        `from parsed to Kafka: before ${printSpread(usually)}, meanwhile ${printSpread(meanwhile)}`,
      ].join('; '),
    };
  },
});

export const slowSourceDrills: readonly Drill[] = [
  slowSourceDrill('slow-source-of-fifty', { calmMs: 15_000, hangMs: 30_000, dripMs: 15_000, slackMs: 0 }),
];

/** The short form for `npm test`. */
export const shortSlowSource: Drill = slowSourceDrill('slow-source-short', {
  calmMs: 5_000,
  hangMs: 8_000,
  dripMs: 5_000,
  slackMs: 3_000,
});
