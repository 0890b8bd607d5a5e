import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ItemOutcome, newRound, nextStep, type Round } from '../../src/sources/round.ts';

/** Runs a round to its end or its failure; gives what was asked, in order. */
const run = (round: Round, outcomeOf: (station: string, asked: readonly string[]) => ItemOutcome) => {
  const asked: string[] = [];
  const leftOut: string[] = [];
  let current = round;
  let streak = 0;
  for (;;) {
    const [station] = current.rest;
    if (station === undefined) return { asked, leftOut, end: 'over' as const, round: current };
    const outcome = outcomeOf(station, asked);
    asked.push(station);
    const step = nextStep(current, streak, station, outcome);
    if (step.action === 'fail') return { asked, leftOut, end: 'failed' as const, round: current };
    ({ round: current, streak } = step);
    if (step.isLeftOut) leftOut.push(station);
  }
};

describe('a round', () => {
  it('asks every station once, twice-named ones too', () => {
    expect(run(newRound(['A', 'B', 'A', 'C']), () => 'answered')).toMatchObject({
      asked: ['A', 'B', 'C'],
      end: 'over',
    });
  });

  it('asks a station that failed again, after all others', () => {
    const outcome = (station: string, asked: readonly string[]): ItemOutcome =>
      station === 'B' && !asked.includes('B') ? 'failed' : 'answered';
    expect(run(newRound(['A', 'B', 'C']), outcome)).toMatchObject({
      asked: ['A', 'B', 'C', 'B'],
      leftOut: [],
      end: 'over',
    });
  });

  it('leaves a station out that failed twice', () => {
    const outcome = (station: string): ItemOutcome => (station === 'B' ? 'failed' : 'answered');
    expect(run(newRound(['A', 'B', 'C']), outcome)).toMatchObject({
      asked: ['A', 'B', 'C', 'B'],
      leftOut: ['B'],
      end: 'over',
    });
  });

  it('fails after three failures in a row, and goes on with those that were not asked', () => {
    const down = run(newRound(['A', 'B', 'C', 'D', 'E', 'F']), (station) => (station === 'A' ? 'answered' : 'failed'));
    expect(down).toMatchObject({ asked: ['A', 'B', 'C', 'D'], end: 'failed' });
    expect(run(down.round, () => 'answered')).toMatchObject({ asked: ['D', 'E', 'F', 'B', 'C'], end: 'over' });
  });

  it('that nobody answers is a failure, never no data', () => {
    expect(run(newRound(['A', 'B']), () => 'none').end).toBe('failed');
    expect(run(newRound(['A']), () => 'failed').end).toBe('failed');
    expect(run(newRound(['A', 'B']), (station) => (station === 'A' ? 'none' : 'failed')).end).toBe('failed');
  });

  it('needs one observation only', () => {
    expect(run(newRound(['A', 'B', 'C']), (station) => (station === 'C' ? 'answered' : 'none')).end).toBe('over');
  });

  it('always ends, asks no station more than twice, and loses none', () => {
    const outcome = fc.constantFrom<ItemOutcome>('answered', 'none', 'failed');
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1 }),
        fc.array(outcome, { minLength: 1 }),
        (stations, outcomes) => {
          const { asked, end, round } = run(
            newRound(stations),
            (_, before) => outcomes[before.length % outcomes.length] ?? 'none',
          );
          for (const station of stations) {
            const times = asked.filter((other) => other === station).length;
            expect(times).toBeLessThanOrEqual(2);
            expect(times > 0 || round.rest.includes(station)).toBe(true);
          }
          expect(end === 'over' && round.rest.length > 0).toBe(false);
        },
      ),
    );
  });
});
