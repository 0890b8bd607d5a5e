// What a full queue can do with a newcomer. Free of zod, so that the chunk store may ask.

/** Values of `queue.overflow`; described in sections/queue.ts. */
export const overflowModes = ['backpressure', 'drop_oldest', 'drop_lowest', 'reject'] as const;
export type OverflowMode = (typeof overflowModes)[number];
