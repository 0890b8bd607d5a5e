// Scenarios of the simulated fleet, and what is asked of their runs.
import { throttlingSchema } from '@stream-manager/shared/config/sections/throttling';
import { type Moment, type SimulatedSource, type SourceRun, simulate } from '../../src/fleet-simulation/simulate.ts';
import { steady } from '../../src/fleet-simulation/supply.ts';

export const second = 1_000;
export const minute = 60 * second;
export const fullRate = 100_000;

/** What differs from a source with 1,000 records/s and one quick group that commits every 5 s. */
export interface SourceChanges extends Partial<Omit<SimulatedSource, 'settings' | 'groups'>> {
  readonly throttling?: Record<string, unknown>;
  readonly commitEveryMs?: number;
  readonly firstCommitMs?: number;
  readonly capacityAt?: (nowMs: number) => number;
}

export function sourceOf({
  throttling = {},
  commitEveryMs = 5 * second,
  ...changes
}: SourceChanges = {}): SimulatedSource {
  const { firstCommitMs = commitEveryMs, capacityAt = () => 20_000, ...supply } = changes;
  return {
    id: 'fires',
    pollEveryMs: second,
    maxQueued: 10_000,
    arrivals: steady(1_000),
    ...supply,
    settings: throttlingSchema.parse(throttling),
    groups: [{ name: 'fire-map', commitEveryMs, firstCommitMs, capacityAt }],
  };
}

/** Runs one source alone. */
export function runOf(source: SimulatedSource, scenario: Omit<Parameters<typeof simulate>[0], 'sources'>): SourceRun {
  const run = simulate({ ...scenario, sources: [source] }).get(source.id);
  if (run === undefined) throw new Error('every source of a scenario has a run');
  return run;
}

/** Slowed in any way: a pause, or less than the full rate. */
export const isSlowed = ({ decision }: Moment): boolean => decision.delayMs > 0 || decision.allowedRate < fullRate;

/** Records that are nowhere; 0 = nothing lost, nothing doubled. */
export const recordsLost = ({ end }: SourceRun): number =>
  end.arrived - end.atProvider - end.fetched - end.queued - end.inFlight - end.published;

export const greatestLag = (moments: readonly Moment[]): number => Math.max(0, ...moments.map(({ lag }) => lag ?? 0));

/**
 * The most records that may come to the topic between two samples: what was in flight at the first, and what its decision
 * allows until the second, by rate or by pause, with the batch that closes the gate.
 */
export function mostBetween(earlier: Moment, later: Moment): number {
  const { allowedRate, delayMs } = earlier.decision;
  const passedMs = later.atMs - earlier.atMs;
  const byRate = allowedRate * (passedMs / second + 0.05) + 500;
  const byPause = delayMs === 0 ? Infinity : (Math.floor(passedMs / delayMs) + 1) * 500;
  return earlier.whereabouts.inFlight + Math.min(byRate, byPause);
}
