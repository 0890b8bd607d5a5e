// kafkajs arms a 1 ms timer again and again on every idle connection (tulios/kafkajs#1556, #1704): 1,763 timers a second
// and 5 % of a core for one idle producer and admin (m), and a TimeoutNegativeWarning on Node 24. The patched method arms
// one only while something waits or the broker throttles us.
import { kafkajs, type RequestQueuePrototype } from './kafkajs-internals.ts';

/** How soon waiting requests are looked at again when no throttle holds them, in milliseconds (kafkajs' own value). */
const checkPendingMs = 10;

function scheduleCheckPendingRequests(this: RequestQueuePrototype): void {
  if (this.throttleCheckTimeoutId !== null) return;
  const throttledForMs = this.throttledUntil - Date.now();
  if (this.pending.length === 0 && throttledForMs <= 0) return;
  const delayMs = throttledForMs > 0 ? throttledForMs : checkPendingMs;
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, delayMs);
}

/** Replaces the method on kafkajs' prototype, for this whole process. May be called again. Throws if kafkajs has no such method. */
export const patchRequestQueue = (): void => {
  const { prototype } = kafkajs.RequestQueue;
  if (typeof prototype.scheduleCheckPendingRequests !== 'function') {
    throw new Error(
      'kafkajs has no RequestQueue.scheduleCheckPendingRequests: the timer patch does not fit this version',
    );
  }
  prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
};
