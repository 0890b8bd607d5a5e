// How records come to a provider, and how much a consumer group can bear, as functions of virtual time.

const whole = (perSecond: number, ms: number): number => Math.floor((perSecond * ms) / 1_000);

/** The same number of records every second, in whole records. */
export const steady =
  (perSecond: number) =>
  (fromMs: number, toMs: number): number =>
    whole(perSecond, toMs) - whole(perSecond, fromMs);

/** `records` at once each `everyMs`, the first after one such time; nothing in between. */
export const bursts =
  (records: number, everyMs: number) =>
  (fromMs: number, toMs: number): number =>
    records * (Math.floor(toMs / everyMs) - Math.floor(fromMs / everyMs));

/** From a time on, this many records/s. */
export interface CapacityFrom {
  readonly fromMs: number;
  readonly perSecond: number;
}

/** A capacity that changes at given times (ascending); 0 before the first. */
export const capacities =
  (changes: readonly CapacityFrom[]) =>
  (nowMs: number): number =>
    changes.findLast(({ fromMs }) => fromMs <= nowMs)?.perSecond ?? 0;
