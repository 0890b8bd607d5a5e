// A whole fleet in virtual time: hours in a second, the same every time. Providers, polls, the bounded queue, sends, Kafka
// and its consumer groups are simulated; the throttle is the real one, `decide` and `currentDecision`.
import type { ThrottlingSettings } from '@stream-manager/shared/config/sections/throttling';
import { type AgedDecision, currentDecision } from '@stream-manager/shared/throttle/current-decision';
import { decide } from '@stream-manager/shared/throttle/decide';
import type { LagSample, ThrottleDecision, ThrottleState } from '@stream-manager/shared/throttle/decision';
import { randomOf, seedOf } from '../providers/random.ts';
import { type ConsumerGroup, createConsumerGroup, type GroupBehaviour } from './consumer-group.ts';
import { createSourceFlow, type SourceFlow, type SourceSupply, type Whereabouts } from './source-flow.ts';

/** Length of a step of virtual time; records that are sent in one are in Kafka in the next. */
const stepMs = 50;

/** Some day; the throttle sees times since 1970. */
const epochMs = 1_777_636_800_000;

/** A time from one instant to another. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One source with a topic of its own and the groups that read it. */
export interface SimulatedSource extends SourceSupply {
  readonly id: string;
  readonly settings: ThrottlingSettings;
  readonly groups: readonly GroupBehaviour[];
}

/** What happens. */
export interface Scenario {
  readonly durationMs: number;
  readonly sources: readonly SimulatedSource[];
  /** Times at which no worker lives: nothing is polled, sent or sampled. */
  readonly fleetDown?: readonly Interval[];
  /** Times at which no lag can be read. */
  readonly samplingDown?: readonly Interval[];
  /** Times at which Redis forgets what the throttle remembered. */
  readonly forgetAtMs?: readonly number[];
  /** How late a sample may be; default 50 ms, so that samples and slices do not stay in step. */
  readonly jitterMs?: number;
}

/** What one sample found and decided. */
export interface Moment {
  readonly atMs: number;
  /** Real lag of the worst group in records; null: no group has committed. */
  readonly lag: number | null;
  readonly decision: ThrottleDecision;
  readonly whereabouts: Whereabouts;
}

/** What became of a source. */
export interface SourceRun {
  readonly moments: readonly Moment[];
  readonly end: Whereabouts;
  readonly delayedPolls: number;
}

interface Running {
  readonly source: SimulatedSource;
  readonly flow: SourceFlow;
  readonly groups: readonly ConsumerGroup[];
  readonly moments: Moment[];
  state: ThrottleState | null;
  last: { readonly decision: ThrottleDecision; readonly atMs: number } | undefined;
}

/** Runs a scenario to its end; source id → what became of it. The same scenario always has the same outcome. */
export function simulate(scenario: Scenario): ReadonlyMap<string, SourceRun> {
  const running = scenario.sources.map(
    (source): Running => ({
      source,
      flow: createSourceFlow(source),
      groups: source.groups.map(createConsumerGroup),
      moments: [],
      state: null,
      last: undefined,
    }),
  );
  const random = randomOf(seedOf('fleet-simulation'));
  const intervalMs = Math.min(...scenario.sources.map(({ settings }) => settings.sampleIntervalMs));
  let nextSampleMs = 0;
  for (let nowMs = stepMs; nowMs <= scenario.durationMs; nowMs += stepMs) {
    const isDown = isWithin(scenario.fleetDown, nowMs);
    const isSampled = nowMs >= nextSampleMs && !isDown && !isWithin(scenario.samplingDown, nowMs);
    const hasForgotten = scenario.forgetAtMs?.some((atMs) => atMs > nowMs - stepMs && atMs <= nowMs) ?? false;
    for (const one of running) {
      if (hasForgotten) Object.assign(one, { state: null, last: undefined });
      step(one, nowMs, { isDown, isSampled, intervalMs });
    }
    if (isSampled) nextSampleMs = nowMs + intervalMs + random.int(0, scenario.jitterMs ?? 50);
  }
  return new Map(
    running.map(({ source, flow, moments }) => [
      source.id,
      { moments, end: flow.whereabouts(), delayedPolls: flow.delayedPolls() },
    ]),
  );
}

const isWithin = (intervals: readonly Interval[] | undefined, nowMs: number): boolean =>
  intervals?.some(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs) ?? false;

function step(
  one: Running,
  nowMs: number,
  { isDown, isSampled, intervalMs }: { isDown: boolean; isSampled: boolean; intervalMs: number },
): void {
  one.flow.passTime(nowMs, stepMs);
  // Commits are read before ends, so that the error is a little too much lag, never too little.
  const committed = one.groups.map((group) => ({ group: group.name, offset: group.committed() }));
  for (const group of one.groups) group.step(nowMs, stepMs, one.flow.whereabouts().published);
  if (isDown) return;
  if (isSampled) takeSample(one, nowMs, committed);
  one.flow.work(nowMs, currentDecision(aged(one, nowMs), one.source.settings, intervalMs));
}

const aged = ({ last }: Running, nowMs: number): AgedDecision | undefined =>
  last === undefined ? undefined : { decision: last.decision, ageMs: nowMs - last.atMs };

function takeSample(
  one: Running,
  nowMs: number,
  committed: readonly { readonly group: string; readonly offset: number | null }[],
): void {
  const topic = one.source.id;
  const end = one.flow.whereabouts().published;
  const known = committed.flatMap(({ group, offset }) => (offset === null ? [] : [{ group, lag: end - offset }]));
  const worst = known.toSorted((a, b) => b.lag - a.lag)[0];
  const sample: LagSample = {
    at: epochMs + nowMs,
    lag: worst?.lag ?? null,
    group: worst?.group ?? null,
    topic: worst === undefined ? null : topic,
    ends: { [topic]: end },
  };
  const { state, decision } = decide(one.state, sample, one.source.settings);
  one.state = state;
  one.last = { decision, atMs: nowMs };
  one.moments.push({ atMs: nowMs, lag: sample.lag, decision, whereabouts: one.flow.whereabouts() });
}
