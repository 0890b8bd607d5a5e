import { describe, expect, it } from 'vitest';
import { abandonedAfterMs, createCommitWatch, forgottenAfterMs } from '../../src/lag/abandoned-groups.ts';

/** A watch, and one that begins a reading at a time and notes group `g` on topic `t`. */
const setUp = () => {
  const watch = createCommitWatch();
  const at = (ms: number) => {
    watch.beginRound(ms);
    return watch.isAbandoned;
  };
  /** Seen often enough not to be forgotten. */
  const seenUntil = (ms: number, committed: bigint) => {
    for (let time = 0; time < ms; time += forgottenAfterMs / 2) at(time)('g', 't', committed, true);
  };
  return { watch, at, seenUntil };
};

describe('a group whose commits do not move', () => {
  it('counts as abandoned after a day with something to read', () => {
    const { at, seenUntil } = setUp();
    expect(at(0)('g', 't', 5n, true)).toBe(false);
    seenUntil(abandonedAfterMs, 5n);
    expect(at(abandonedAfterMs - 1)('g', 't', 5n, true)).toBe(false);
    expect(at(abandonedAfterMs)('g', 't', 5n, true)).toBe(true);
  });

  it('does not when it has read everything: then it has nothing to commit', () => {
    const { at } = setUp();
    for (let time = 0; time < abandonedAfterMs * 3; time += forgottenAfterMs / 2)
      expect(at(time)('g', 't', 5n, false)).toBe(false);
    expect(at(abandonedAfterMs * 3)('g', 't', 5n, true)).toBe(false);
  });

  it('counts again as soon as one moves', () => {
    const { at, seenUntil } = setUp();
    seenUntil(abandonedAfterMs, 5n);
    expect(at(abandonedAfterMs)('g', 't', 5n, true)).toBe(true);
    expect(at(abandonedAfterMs + 1)('g', 't', 6n, true)).toBe(false);
  });

  it('is told apart by topic', () => {
    const { at, seenUntil } = setUp();
    at(0)('g', 'read', 5n, true);
    seenUntil(abandonedAfterMs, 5n);
    const isAbandoned = at(abandonedAfterMs);
    expect(isAbandoned('g', 'read', 8n, true)).toBe(false);
    expect(isAbandoned('g', 't', 5n, true)).toBe(true);
  });

  it('is forgotten when it was not seen for an hour, and not before: Kafka may be away for a while', () => {
    const { watch, at } = setUp();
    at(0)('g', 't', 5n, true);
    watch.beginRound(forgottenAfterMs - 1);
    expect(watch.remembered()).toHaveLength(1);
    watch.beginRound(forgottenAfterMs);
    expect(watch.remembered()).toEqual([]);
  });

  it('counts on in another process that was told what this one knows', () => {
    const { watch, at } = setUp();
    at(1_000)('g', 't', 2n ** 60n, true);
    expect(watch.remembered()).toEqual([{ group: 'g', topic: 't', committed: String(2n ** 60n), movedAt: 1_000 }]);
    const other = createCommitWatch();
    other.isAbandoned('left', 't', 1n, true);
    other.recall(watch.remembered(), abandonedAfterMs);
    expect(other.remembered()).toEqual(watch.remembered());
    other.beginRound(abandonedAfterMs + 999);
    expect(other.isAbandoned('g', 't', 2n ** 60n, true)).toBe(false);
    other.beginRound(abandonedAfterMs + 1_000);
    expect(other.isAbandoned('g', 't', 2n ** 60n, true)).toBe(true);
  });
});
