import { describe, expect, it } from 'vitest';
import { abandonedAfterMs, createCommitWatch } from '../../src/lag/abandoned-groups.ts';

const setUp = () => {
  const clock = { ms: 0 };
  return { clock, watch: createCommitWatch(() => clock.ms) };
};

describe('a group whose commits do not move', () => {
  it('counts as abandoned after a day with something to read', () => {
    const { clock, watch } = setUp();
    expect(watch.isAbandoned('g', 't', 5n, 10)).toBe(false);
    clock.ms = abandonedAfterMs - 1;
    expect(watch.isAbandoned('g', 't', 5n, 90)).toBe(false);
    clock.ms = abandonedAfterMs;
    expect(watch.isAbandoned('g', 't', 5n, 90)).toBe(true);
  });

  it('does not when it has read everything: then it has nothing to commit', () => {
    const { clock, watch } = setUp();
    watch.isAbandoned('g', 't', 5n, 0);
    clock.ms = abandonedAfterMs * 3;
    expect(watch.isAbandoned('g', 't', 5n, 0)).toBe(false);
    expect(watch.isAbandoned('g', 't', 5n, 1)).toBe(false);
  });

  it('counts again as soon as one moves', () => {
    const { clock, watch } = setUp();
    watch.isAbandoned('g', 't', 5n, 10);
    clock.ms = abandonedAfterMs;
    expect(watch.isAbandoned('g', 't', 5n, 10)).toBe(true);
    expect(watch.isAbandoned('g', 't', 6n, 9)).toBe(false);
  });

  it('is told apart by topic', () => {
    const { clock, watch } = setUp();
    watch.isAbandoned('g', 'read', 5n, 10);
    watch.isAbandoned('g', 'left', 5n, 10);
    clock.ms = abandonedAfterMs;
    expect(watch.isAbandoned('g', 'read', 8n, 10)).toBe(false);
    expect(watch.isAbandoned('g', 'left', 5n, 10)).toBe(true);
  });

  it('is forgotten when it was not seen for a round', () => {
    const { clock, watch } = setUp();
    watch.isAbandoned('g', 't', 5n, 10);
    watch.endRound();
    watch.endRound();
    clock.ms = abandonedAfterMs;
    expect(watch.isAbandoned('g', 't', 5n, 10)).toBe(false);
  });
});
