// Group commit of the messages of one connection. While one admission runs, what arrives gathers, and goes with the next:
// a lone message goes at once, and a flood goes in groups, so that a message costs no round trip of its own. Critical ones
// have a lane of their own and never wait for others. What there is no room for is offered again and again; it is bounded,
// because the broker sends no more than may be unacknowledged.
//
//   waiting ──its lane is free──► admitting ──every row is in──► done ──all before it are done──► acknowledged
//      ▲                              │ no room, or Redis refuses
//      └───────────after a pause──────┘
import { setTimeout as pause } from 'node:timers/promises';
import type { ParsedRows } from '../../sources/parsed-rows.ts';

/** A message of the connection. */
export interface Arrival {
  /** Null: nobody waits for its acknowledgement. */
  readonly packetId: number | null;
  readonly rows: ParsedRows;
  readonly isCritical: boolean;
  readonly bytes: number;
  /** What has to be kept of it before it is admitted, so that it is known again when it is delivered again; null: nothing. */
  readonly keeps: string | null;
}

/** What the group is for. */
export interface GatheringDeps {
  /**
   * Admits the rows of a group; true: every one is in, a dead letter, or known. False: there is no room now. May reject.
   * The group is offered again in both cases.
   */
  readonly admit: (group: readonly Arrival[], signal: AbortSignal) => Promise<boolean>;
  /** Called in the order of arrival. */
  readonly acknowledge: (packetId: number) => void;
  /** Told of what an admission rejected with. */
  readonly onFailure: (error: unknown) => void;
}

/** Bounds of what gathers. */
export interface GatheringLimits {
  /** Records of a group at most; one message may have more. */
  readonly records: number;
  /** Messages, and bytes of them, from which on nothing more is read. */
  readonly arrivals: number;
  readonly bytes: number;
}

/** The messages of one connection on their way into the queues. */
export interface Gathering {
  /** Takes a message. A promise: there are so many that nothing more may be read until it resolves. */
  add(arrival: Arrival): Promise<void> | undefined;
  /** Messages that are not acknowledged yet. */
  size(): number;
  /** Forgets what waits (the broker delivers it again) and resolves when nothing is being admitted any more. Idempotent. */
  stop(): Promise<void>;
}

type Stage = 'waiting' | 'admitting' | 'done';
interface Held {
  readonly arrival: Arrival;
  stage: Stage;
}

/** Pauses between two offers of a group that found no room, in milliseconds. */
const firstPauseMs = 100;
const longestPauseMs = 2_000;

/** Creates it for one connection. */
export const createGathering = (deps: GatheringDeps, limits: GatheringLimits): Gathering => {
  const stop = new AbortController();
  const { signal } = stop;
  /** In the order of arrival; the first one is not acknowledged. */
  let held: Held[] = [];
  let bytes = 0;
  const lanes = { critical: Promise.resolve(), others: Promise.resolve() };
  const isBusy = { critical: false, others: false };
  let room: PromiseWithResolvers<void> | null = null;

  const isFull = (): boolean => held.length >= limits.arrivals || bytes >= limits.bytes;

  const acknowledge = (): void => {
    let done = 0;
    for (const { stage, arrival } of held) {
      if (stage !== 'done') break;
      done += 1;
      bytes -= arrival.bytes;
      if (arrival.packetId !== null && !signal.aborted) deps.acknowledge(arrival.packetId);
    }
    if (done > 0) held = held.slice(done);
    if (room !== null && !isFull()) {
      room.resolve();
      room = null;
    }
  };

  /** The next group of a lane, in the order of arrival. */
  const take = (isCritical: boolean): readonly Held[] => {
    const group: Held[] = [];
    const keys = new Set<string>();
    let records = 0;
    for (const one of held) {
      if (one.stage !== 'waiting' || one.arrival.isCritical !== isCritical) continue;
      const { rows } = one.arrival;
      const more = rows.records.length + rows.invalid.length;
      if (group.length > 0 && records + more > limits.records) break;
      // Of two readings of one id the later one would stand for both: it goes with the next group, as a correction.
      if (group.length > 0 && rows.records.some((record) => keys.has(record.naturalKey))) break;
      for (const record of rows.records) keys.add(record.naturalKey);
      records += more;
      one.stage = 'admitting';
      group.push(one);
    }
    return group;
  };

  /** Offers a group until it is in; it goes back to what waits when the connection is over. */
  const admit = async (group: readonly Held[]): Promise<void> => {
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        if (
          await deps.admit(
            group.map(({ arrival }) => arrival),
            signal,
          )
        ) {
          for (const one of group) one.stage = 'done';
          acknowledge();
          return;
        }
      } catch (error) {
        deps.onFailure(error);
      }
      // An abort only ends the pause early; the loop sees it.
      await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
  };

  const run = async (lane: keyof typeof lanes): Promise<void> => {
    for (let group = take(lane === 'critical'); group.length > 0; group = take(lane === 'critical')) await admit(group);
    isBusy[lane] = false;
  };

  return {
    add: (arrival) => {
      if (signal.aborted) return undefined;
      held.push({ arrival, stage: 'waiting' });
      bytes += arrival.bytes;
      const lane = arrival.isCritical ? 'critical' : 'others';
      if (!isBusy[lane]) {
        isBusy[lane] = true;
        lanes[lane] = run(lane);
      }
      if (!isFull()) return undefined;
      room ??= Promise.withResolvers();
      return room.promise;
    },
    size: () => held.length,
    stop: async () => {
      stop.abort();
      room?.resolve();
      await Promise.all([lanes.critical, lanes.others]);
      held = [];
    },
  };
};
