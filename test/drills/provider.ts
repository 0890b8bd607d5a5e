// Drills about providers: the limit that they set for one key, over a whole fleet; and a host that answers nobody.
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { type Providers, startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Drill } from './drill.ts';
import type { Ground } from './ground.ts';
import { basePriorities, type Load } from './load.ts';
import { type HostSwitch, startHostSwitch } from './switch.ts';

interface HostPlan {
  /** Sources of fires: one host, one key. */
  readonly sources: number;
  readonly every: string;
  readonly rateLimitPerMinute: number;
  /** Where they ask, if it is not the providers' own address. */
  readonly baseUrl?: (providers: Providers) => Promise<string>;
  /** Another source at another host. Default false. */
  readonly hasOther?: boolean;
}

const windowMs = 60_000;

/** Sources of one host and key, each with an address of its own (the box differs), so that no answer serves two. */
const startHost = async (plan: HostPlan): Promise<Load> => {
  let stoppedAt = Number.POSITIVE_INFINITY;
  const startedAt = Date.now();
  const providers = await startProviders({
    startAt: startedAt,
    seed: randomInt(1, 1_000_000),
    separatePorts: true,
    worldNow: () => Math.min(Date.now(), stoppedAt),
    requestLogLimit: 20_000,
    firms: { backlog: 60, perMinute: 30 },
    purpleair: { count: 200, intervalSeconds: 10_000_000 },
  });
  const baseUrl = (await plan.baseUrl?.(providers)) ?? providers.urls.firms;
  const fires = Array.from({ length: plan.sources }, (_, at) => `fires-${String(at + 1).padStart(2, '0')}`);
  const frame = { mode: 'batch', every: plan.every, rateLimitPerMinute: plan.rateLimitPerMinute, cacheTtlSeconds: 0 };
  return {
    providers,
    startedAt,
    sourceIds: [...fires, ...(plan.hasOther ? ['sensors'] : [])],
    sources: (topics) => ({
      ...Object.fromEntries(
        fires.map((sourceId, at) => [
          sourceId,
          {
            ...frame,
            type: 'nasa-firms',
            priority: basePriorities.firms,
            topic: topics.firms,
            baseUrl,
            params: {
              mapKey: '${TEST_MAP_KEY}',
              dataset: 'VIIRS_SNPP_NRT',
              bbox: [-124.48 - at / 100, 32.53, -114.13, 42.01],
              dayRange: 1,
            },
          },
        ]),
      ),
      ...(plan.hasOther
        ? {
            sensors: {
              ...frame,
              type: 'purpleair',
              priority: basePriorities.purpleair,
              topic: topics.purpleair,
              rateLimitPerMinute: 6_000,
              baseUrl: providers.urls.purpleair,
              params: { apiKey: '${TEST_API_KEY}', bbox: [-124.48, 32.53, -114.13, 42.01] },
            },
          }
        : {}),
    }),
    ownTopic: () => null,
    priorities: basePriorities,
    everySource: (kind) => (kind === 'firms' ? fires : ['sensors']),
    leap: () => {},
    stopClock: () => {
      stoppedAt = Math.min(stoppedAt, Date.now());
    },
  };
};

/** Most entries that any window of this length holds, both ends included. */
const mostInAnyWindow = (times: readonly number[], lengthMs: number): number => {
  const sorted = times.toSorted((one, other) => one - other);
  let most = 0;
  let from = 0;
  for (const [to, time] of sorted.entries()) {
    while (time - (sorted[from] ?? time) > lengthMs) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
};

const limitDrill = (
  name: string,
  scale: { readonly pollers: number; readonly sources: number; readonly every: string; readonly forMs: number },
): Drill => ({
  name,
  title: `${scale.pollers} pollers, ${scale.sources} sources of one host and key that want more than their limit of 60 requests a minute, some of which fail, for ${scale.forMs / 1_000} s`,
  plan: { load: () => startHost({ sources: scale.sources, every: scale.every, rateLimitPerMinute: 60 }) },
  prepare: async ({ load }) =>
    // Failed requests count, too.
    load.providers.setFaults({
      firms: { chance: { '500': 0.08, 'cut-length': 0.08, 'slow-headers': 0.09 }, slowMs: 1_500 },
    }),
  warmUp: scale.sources * 20,
  harm: async (ground) => {
    const { providers } = ground.load;
    const more = Array.from({ length: scale.pollers - 2 }, (_, at) => ground.fleet.start(`poller-${at + 3}`));
    await Promise.all(more.map((poller) => poller.url()));
    const firesAsked = () => providers.requests().filter(({ route }) => route === 'firms');
    const first = firesAsked()[0]?.at ?? Date.now();
    await waitUntil('the time to be over', () => Date.now() >= first + scale.forMs, {
      timeoutMs: scale.forMs + 30_000,
      intervalMs: 100,
    });
    const asked = firesAsked().filter(({ at }) => at < first + scale.forMs);
    const failed = asked.filter(({ status, fault }) => status >= 500 || fault === 'cut-length').length;
    const most = mostInAnyWindow(
      asked.map(({ at }) => at),
      windowMs,
    );
    const used = asked.length / (scale.forMs / 1_000);
    const times = new Map<string, number>();
    for (const { path } of asked) times.set(path, (times.get(path) ?? 0) + 1);
    const rarest = times.size < scale.sources ? 0 : Math.min(...times.values());
    const oftenest = Math.max(...times.values());
    providers.setFaults({});
    ground.progress.healed();
    const problems: string[] = [];
    if (rarest === 0) problems.push(`${scale.sources - times.size} of ${scale.sources} sources were never asked for`);
    if (most > 60) problems.push(`${most} requests in 60 s by the provider's log, allowed are 60`);
    if (used < 0.8) problems.push(`only ${asked.length} requests in ${scale.forMs / 1_000} s of one a second`);
    if (failed < asked.length / 20)
      problems.push(`only ${failed} requests failed: the drill has not shown that they count`);
    return {
      doubled: 0,
      problems,
      note: `${asked.length} requests in ${scale.forMs / 1_000} s, at most ${most} in any 60 s; ${failed} of them failed; each source asked ${rarest} to ${oftenest} times`,
    };
  },
});

const isOpen = ({ provider }: StreamAnswer): boolean => provider?.breaker === 'open';
const isFires = ({ id }: StreamAnswer): boolean => id.startsWith('fires-');

const downDrill = (name: string, scale: { readonly downMs: number }): Drill => {
  let host: HostSwitch | null = null;
  const theHost = (): HostSwitch => {
    if (host === null) throw new Error('the host was not started');
    return host;
  };
  const allFires = async (ground: Ground, test: (stream: StreamAnswer) => boolean): Promise<boolean> =>
    (await ground.streams()).filter(isFires).every(test);
  return {
    name,
    title: `a host with five sources refuses connections, then resets them for ${scale.downMs / 1_000} s; another host goes on`,
    plan: {
      load: () =>
        startHost({
          sources: 5,
          every: '2s',
          rateLimitPerMinute: 6_000,
          hasOther: true,
          baseUrl: async (providers) => {
            host = await startHostSwitch(Number(new URL(providers.urls.firms).port));
            return `http://127.0.0.1:${host.port}`;
          },
        }),
    },
    warmUp: 5 * 60,
    harm: async (ground) => {
      const { providers } = ground.load;
      const door = theHost();
      const { port, attempts } = door;
      ground.atEnd(() => door.stop());
      const downFrom = Date.now();
      await door.refuse();
      await waitUntil('all of its sources to be shown as waiting for it', () => allFires(ground, isOpen), {
        timeoutMs: 60_000,
        intervalMs: 100,
      });
      const openAfterMs = Date.now() - downFrom;
      const problems: string[] = [];
      const shown = (await ground.streams()).filter(isFires).map(({ provider }) => provider);
      if (!shown.every((one) => one?.host === `127.0.0.1:${port}` && /ECONNREFUSED/.test(one.error ?? '')))
        problems.push(`the API shows ${JSON.stringify(shown[0])}`);
      // From now on who comes is counted. A trial may be under way: it is one.
      await door.reset();
      const countedFrom = Date.now();
      await pause(scale.downMs);
      const countedTo = Date.now();
      const came = attempts.filter((at) => at >= countedFrom && at < countedTo);
      const other = (await ground.streams()).find(({ id }) => id === 'sensors');
      if (other?.provider?.breaker !== 'closed') problems.push('the other host is not shown as answering');
      const otherGaps = gapsOf(
        providers.requests().filter(({ route, at }) => route === 'purpleair' && at >= downFrom && at < countedTo),
      );
      const otherMost = Math.max(...otherGaps);
      if (!(otherMost < 6_000)) problems.push(`the other host was not asked for ${otherMost} ms, its period is 2 s`);
      // Trials come alone, each after twice the pause of the one before: of 2 s periods 2, 4, 8, 16 … s.
      const most = Math.ceil(Math.log2(scale.downMs / 2_000)) + 2;
      if (came.length > most) problems.push(`${came.length} connections while it was down, ${most} are trials at most`);
      if (came.length === 0) problems.push('nobody tried whether it answers again');
      const closest = Math.min(...gapsOf(came.map((at) => ({ at }))));
      if (closest < 1_500) problems.push(`two trials within ${closest} ms`);

      await door.serve();
      ground.progress.healed();
      const healedAt = Date.now();
      await waitUntil('all of its sources to be polled again', () => allFires(ground, hasAnswered(healedAt)), {
        timeoutMs: 180_000,
        intervalMs: 200,
      });
      const [trial, next] = providers.requests().filter(({ route, at }) => route === 'firms' && at >= healedAt);
      if (trial === undefined || next === undefined || next.at < (trial.finishedAt ?? Number.POSITIVE_INFINITY))
        problems.push('the host that was back was not asked by one poll first');
      return {
        doubled: 0,
        problems,
        note: [
          `shown as open after ${(openAfterMs / 1_000).toFixed(1)} s`,
          `${came.length} connections in ${scale.downMs / 1_000} s, each one trial`,
          `the first one after the heal came ${(((trial?.at ?? healedAt) - healedAt) / 1_000).toFixed(1)} s later`,
          `the other host was asked every ${otherMost} ms at least`,
        ].join('; '),
      };
    },
  };
};

const gapsOf = (events: readonly { readonly at: number }[]): readonly number[] =>
  events.slice(1).map(({ at }, index) => at - (events[index]?.at ?? at));

const hasAnswered =
  (since: number) =>
  ({ provider, lastPoll }: StreamAnswer): boolean =>
    provider?.breaker === 'closed' &&
    lastPoll !== null &&
    Date.parse(lastPoll.at) >= since &&
    (lastPoll.outcome === 'ok' || lastPoll.outcome === 'not_modified');

export const providerDrills: readonly Drill[] = [
  limitDrill('provider-limit', { pollers: 10, sources: 30, every: '10s', forMs: 180_000 }),
  downDrill('provider-down', { downMs: 60_000 }),
];

/** The short forms for `npm test`. */
export const shortLimit: Drill = limitDrill('provider-limit-short', {
  pollers: 4,
  sources: 6,
  every: '1s',
  forMs: 64_000,
});
export const shortDown: Drill = downDrill('provider-down-short', { downMs: 12_000 });
