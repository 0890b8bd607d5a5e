import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { type Arrival, createGathering } from '../../../src/intake/mqtt/gathering.ts';

const arrival = (packetId: number, changes: Partial<Arrival> & { readonly key?: string } = {}): Arrival => ({
  packetId,
  rows: {
    records: [
      {
        type: 'sensor-reading',
        naturalKey: changes.key ?? String(packetId),
        observedAtMs: 1,
        data: { value: packetId },
      },
    ],
    invalid: [],
  },
  isCritical: false,
  bytes: 10,
  keeps: null,
  ...changes,
});

/** A gathering whose admissions wait for the test: `open` lets the next one through. */
const setUp = (limits: Partial<Parameters<typeof createGathering>[1]> = {}) => {
  const admissions: { readonly ids: readonly (number | null)[]; readonly end: (isIn: boolean | Error) => void }[] = [];
  const acknowledged: number[] = [];
  const failures: unknown[] = [];
  const gathering = createGathering(
    {
      admit: (group) => {
        const { promise, resolve, reject } = Promise.withResolvers<boolean>();
        const end = (isIn: boolean | Error): void => (isIn instanceof Error ? reject(isIn) : resolve(isIn));
        admissions.push({ ids: group.map(({ packetId }) => packetId), end });
        return promise;
      },
      acknowledge: (packetId) => acknowledged.push(packetId),
      onFailure: (error) => failures.push(error),
    },
    { records: 100, arrivals: 1_000, bytes: 1_000_000, ...limits },
  );
  const next = (count: number) => waitUntil(`admission ${count}`, () => admissions.length >= count);
  return { gathering, admissions, acknowledged, failures, next };
};

describe('messages of a connection', () => {
  it('go at once when none is being admitted, and gather behind one that is', async () => {
    const { gathering, admissions, acknowledged, next } = setUp();
    for (const id of [1, 2, 3]) void gathering.add(arrival(id));
    expect(admissions.map(({ ids }) => ids)).toEqual([[1]]);
    admissions[0]!.end(true);
    await next(2);
    expect(admissions[1]!.ids).toEqual([2, 3]);
    expect(acknowledged).toEqual([1]);
    admissions[1]!.end(true);
    await waitUntil('all', () => acknowledged.length === 3);
    expect(gathering.size()).toBe(0);
    await gathering.stop();
  });

  it('are admitted in groups of so many records at most', async () => {
    const { gathering, admissions, next } = setUp({ records: 2 });
    for (const id of [1, 2, 3, 4]) void gathering.add(arrival(id));
    admissions[0]!.end(true);
    await next(2);
    expect(admissions[1]!.ids).toEqual([2, 3]);
    admissions[1]!.end(true);
    await next(3);
    expect(admissions[2]!.ids).toEqual([4]);
    admissions[2]!.end(true);
    await gathering.stop();
  });

  it('of one id go one after the other, so that none stands for the other', async () => {
    const { gathering, admissions, next } = setUp();
    void gathering.add(arrival(1));
    for (const id of [2, 3, 4]) void gathering.add(arrival(id, { key: 'same' }));
    for (const expected of [[1], [2], [3], [4]]) {
      await next(expected[0]!);
      expect(admissions.at(-1)!.ids).toEqual(expected);
      admissions.at(-1)!.end(true);
    }
    await gathering.stop();
  });

  it('that are critical wait for no others, and are acknowledged in their order', async () => {
    const { gathering, admissions, acknowledged } = setUp();
    void gathering.add(arrival(1));
    void gathering.add(arrival(2, { isCritical: true }));
    expect(admissions.map(({ ids }) => ids)).toEqual([[1], [2]]);
    admissions[1]!.end(true);
    await Promise.resolve();
    expect(acknowledged).toEqual([]);
    admissions[0]!.end(true);
    await waitUntil('both', () => acknowledged.length === 2);
    expect(acknowledged).toEqual([1, 2]);
    await gathering.stop();
  });

  it('are offered again when there was no room, and when Redis refused', async () => {
    const { gathering, admissions, acknowledged, failures, next } = setUp();
    void gathering.add(arrival(1));
    admissions[0]!.end(false);
    await next(2);
    admissions[1]!.end(new Error('refused'));
    await next(3);
    expect(admissions.map(({ ids }) => ids)).toEqual([[1], [1], [1]]);
    admissions[2]!.end(true);
    await waitUntil('it', () => acknowledged.length === 1);
    expect(failures).toMatchObject([{ message: 'refused' }]);
    await gathering.stop();
  });

  it('hold back what comes after so many of them, or so many bytes', async () => {
    for (const limits of [{ arrivals: 2 }, { bytes: 20 }]) {
      const { gathering, admissions } = setUp(limits);
      expect(gathering.add(arrival(1))).toBeUndefined();
      const held = gathering.add(arrival(2));
      expect(held).toBeInstanceOf(Promise);
      admissions[0]!.end(true);
      await held;
      admissions[1]?.end(true);
      await gathering.stop();
    }
  });

  it('that are not in when the connection ends are not acknowledged any more', async () => {
    const { gathering, admissions, acknowledged } = setUp();
    void gathering.add(arrival(1));
    void gathering.add(arrival(2));
    const stopped = gathering.stop();
    admissions[0]!.end(true);
    await stopped;
    await gathering.stop();
    expect(acknowledged).toEqual([]);
    expect(admissions).toHaveLength(1);
    expect(gathering.size()).toBe(0);
  });
});
