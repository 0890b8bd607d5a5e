// Names of queues and the BullMQ prefix of each. They are part of the contract: dashboards and operators use them.

/** The shared queue of ticks and polls. */
export const pollQueueName = 'poll';

/** Queue of a source's chunks. */
export const recordsQueueName = (sourceId: string): string => `records.${sourceId}`;

/** Queue of a source's dead letters. */
export const deadLetterQueueName = (sourceId: string): string => `dead-letter.${sourceId}`;

/** BullMQ prefix of the queue `poll`: a hash tag of its own, so that its keys share a Redis Cluster slot. */
export const pollPrefix = (keyPrefix: string): string => `${keyPrefix}:{poll}`;

/** BullMQ prefix of a source's queues; our own keys of the source carry the same hash tag. */
export const sourcePrefix = (keyPrefix: string, sourceId: string): string => `${keyPrefix}:{${sourceId}}`;
