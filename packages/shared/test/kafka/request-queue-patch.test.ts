import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expectedKafkajsVersion, kafkajs } from '../../src/kafka/kafkajs-internals.ts';
import { patchRequestQueue } from '../../src/kafka/request-queue-patch.ts';

interface RequestQueue {
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  readonly pending: unknown[];
  checkPendingRequests(): void;
  maybeThrottle(ms: number): void;
  destroy(): void;
}

// The class itself, as kafkajs' connections make it; it has no types.
const RequestQueueClass = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => RequestQueue;

const createQueue = (): RequestQueue => {
  patchRequestQueue();
  const logger = { debug: () => {} };
  return new RequestQueueClass({ maxInFlightRequests: null, requestTimeout: 1, clientId: 'c', broker: 'b', logger });
};

afterEach(() => {
  vi.useRealTimers();
});

describe('the patch of the request queue', () => {
  it('knows this version of kafkajs, in which the method is there', () => {
    expect(kafkajs.version).toBe(expectedKafkajsVersion);
    expect(kafkajs.RequestQueue.prototype).toHaveProperty('scheduleCheckPendingRequests', expect.any(Function));
  });

  it('arms no timer while nothing waits', () => {
    const queue = createQueue();
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('looks again when the throttle of the broker ends', () => {
    vi.useFakeTimers();
    const queue = createQueue();
    queue.maybeThrottle(50);
    queue.checkPendingRequests();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(50);
    expect(queue.throttleCheckTimeoutId).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });
});
