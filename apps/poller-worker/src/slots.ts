// How a poller's slots are shared out: whatever may hold some of them up, half of them are left to the others.

/** Half of a process' slots, and one at least. Pure. */
export const halfOfSlots = (concurrency: number): number => Math.max(1, Math.floor(concurrency / 2));
