// Every key of ours in Redis. Keys of a source carry the hash tag {sourceId}, like its BullMQ queues, so that one
// Lua script may touch them all and sources spread over a Redis Cluster; keys of the fleet carry {poll}.
import { pollPrefix, sourcePrefix } from '../jobs/queue-names.ts';

/** Keys of one source. Layout of each: reference in queues/chunk-store.ts and queues/source-state.ts. */
export const sourceKeys = (keyPrefix: string, sourceId: string) => {
  const prefix = sourcePrefix(keyPrefix, sourceId);
  return {
    prefix,
    /** zset: chunk id, score = class × 2^40 + admission number */
    index: `${prefix}:index`,
    /** hash: total, 1…4 (records per class), seq, kept (records in dropped-chunks, beside the total) */
    count: `${prefix}:count`,
    /** hash of one chunk: v payload, n, rem, p class, at, meta, keep, bits (done), corr (corrections), burial (claim), tries, refused (first and last, ms) */
    chunk: (chunkId: string) => `${prefix}:chunk:${chunkId}`,
    chunkPrefix: `${prefix}:chunk:`,
    /** hash: cur (0 or 1), at (start of the generation, ms), early (rotations before their time) */
    seen: `${prefix}:seen`,
    seen0: `${prefix}:seen:0`,
    seen1: `${prefix}:seen:1`,
    /** hash: `<class>:<reason>` → records */
    dropped: `${prefix}:dropped`,
    /** zset: id of a chunk that overflow dropped and that becomes dead letters → when it was dropped (ms), and a version (scripts/dropped-chunks.ts) */
    droppedChunks: `${prefix}:dropped-chunks`,
    /** hash: as `chunk`, and why (evicted or no_room), mode (of the overflow) */
    droppedChunk: (chunkId: string) => `${prefix}:dropped-chunk:${chunkId}`,
    droppedChunkPrefix: `${prefix}:dropped-chunk:`,
    /** hash: totals of the source since it exists: published */
    totals: `${prefix}:totals`,
    /** hash: bytes (data of the dead letters, about), measured (letters at the last measure), at (ms, its time) */
    letters: `${prefix}:letters`,
    /** zset: `<letters> <bytes> <name>` of letters that a worker is about to add → when that ends (ms) */
    letterRoom: `${prefix}:letter-room`,
    /** hash: flags of the operator, lastPoll JSON, answers JSON, lag JSON, lagAt (ms, time of the sample) */
    state: `${prefix}:state`,
    /** hash: sample (number of the last one), at (ms, its time), holds (ms), rate, delay, decision JSON, state JSON */
    throttle: `${prefix}:throttle`,
    /** hash: slot → `lagSum samples published` of that slice of time */
    throttleSlices: `${prefix}:throttle-slices`,
    /** hash: owed (records), at (ms, when that was so), sent (ms, last batch that was not critical) */
    send: `${prefix}:send`,
    /** hash: asker → its place in the line of those who wait for leave to send: class, since, until (ms) */
    sendWaits: `${prefix}:send-waits`,
    /** zset: process that takes records in for the source → when it counts as gone (ms) */
    intakeMembers: `${prefix}:intake-members`,
    /** hash: number of an MQTT session → `<expiry ms> <process>` */
    intakeLeases: `${prefix}:intake-leases`,
    /** hash: number of an MQTT session that may be at the broker → JSON list of its subscriptions */
    mqttSessions: `${prefix}:mqtt-sessions`,
    /** hash: packet id of an MQTT message without a time → `<received ms> <hash>`, while it is being admitted */
    mqttMarks: (session: number) => `${prefix}:mqtt-marks:${session}`,
    /** string: when a pushed body was received first (ms), with expiry */
    pushReceipt: (digest: string) => `${prefix}:push-receipt:${digest}`,
    /** string: where a poll of several exchanges stands (JSON) */
    position: `${prefix}:position`,
    /** hash: name of a request → its answer that was handed out last, and whether it is used up (http/redis-answer-marks.ts of the poller); with expiry */
    marks: `${prefix}:marks`,
    /** zset: name of a request → when its answer was handed out last (ms); with expiry */
    markAges: `${prefix}:mark-ages`,
    /** hash: value (JSON), until (ms, end of the last finished pass' window), at (ms), by, version (grows with every write) */
    cursor: `${prefix}:cursor`,
  } as const;
};
export type SourceKeys = ReturnType<typeof sourceKeys>;

/** Keys of the fleet. */
export const fleetKeys = (keyPrefix: string) => {
  const prefix = pollPrefix(keyPrefix);
  return {
    prefix,
    /** string: job id of the running poll of a source, with expiry */
    running: (sourceId: string) => `${prefix}:running:${sourceId}`,
    /** zset: process instance → last heartbeat (ms) */
    heartbeats: `${prefix}:heartbeats`,
    /** string: JSON of one process instance's heartbeat, with expiry */
    heartbeat: (instance: string) => `${prefix}:heartbeat:${instance}`,
    /** hash: failures (polls in a row without an answer), pause (ms), until (ms), error, trial (job id), lease (ms, its end); with expiry */
    providerBreaker: (host: string) => `${prefix}:provider-breaker:${host}`,
    /** string: short lease by which one process does a fleet-wide act */
    lease: (act: string) => `${prefix}:lease:${act}`,
    /** string: JSON of when the commits of consumer groups moved last, with expiry */
    commits: `${prefix}:commits`,
    /** zset: job id of a row of the source that is to be parsed again → when it was asked for (ms), with expiry */
    reparses: (sourceId: string) => `${prefix}:reparses:${sourceId}`,
    /** zset: id of each backfill of the source that is kept → when it was asked for (ms) */
    backfills: (sourceId: string) => `${prefix}:backfills:${sourceId}`,
    /** hash of one backfill: state, from, to, done (ms), records, requested (ms), by, position JSON, failures, ended (ms), error */
    backfill: (sourceId: string, backfillId: string) => `${prefix}:backfill:${sourceId}:${backfillId}`,
    /** hash: source id → the longest time that one pass of a backfill asks for (ms); 0: its API cannot be asked for the past */
    backfillSlices: `${prefix}:backfill-slices`,
    /** hash: id of every source ever configured → JSON of its type, mode and fixed topic */
    sources: `${prefix}:sources`,
    /** pub/sub channel: a source id, rung after a job was added for it */
    ring: `${prefix}:ring`,
    /** zset: `<stage>:<sourceId>:<listener>` of whoever taps → when that ends unless it is renewed (ms), with expiry */
    tapped: `${prefix}:tapped`,
    /** pub/sub channel: records of a source as they pass a border (queues/tap.ts) */
    tap: (sourceId: string, stage: string) => `${prefix}:tap:${stage}:${sourceId}`,
  } as const;
};
export type FleetKeys = ReturnType<typeof fleetKeys>;

/**
 * Key of a rate limit's log of requests. `target` is a hash of scheme, host, port and credential: no secret is in it.
 * Shared by all sources of one target, so it has its own hash tag.
 */
export const rateLimitKey = (keyPrefix: string, target: string): string => `${keyPrefix}:{rate-${target}}:log`;

/**
 * Keys of the fleet's response cache. A request's name is a hash; no source id holds a dot, so no source has this tag.
 * One tag for all of it, so that an answer is stored and others make room for it in one step.
 */
export const answerCacheKeys = (keyPrefix: string) => {
  const prefix = `${keyPrefix}:{http.answers}`;
  return {
    /** hash of one answer, with expiry: at (ms, when it was asked for), kind, answer (its hash), meta JSON, body */
    entry: (request: string) => `${prefix}:answer:${request}`,
    entryPrefix: `${prefix}:answer:`,
    /** string: who fetches this answer now, with expiry */
    lock: (request: string) => `${prefix}:lock:${request}`,
    /** zset: name of a request → when its answer was asked for (ms) */
    ages: `${prefix}:ages`,
    /** zset: name of a request → when its answer expires (ms) */
    ends: `${prefix}:ends`,
    /** hash: name of a request → bytes; and `.total` */
    sizes: `${prefix}:sizes`,
  } as const;
};

/** Keys of a day budget. `name` is a hash of who shares it: no secret is in it. */
export const dayBudgetKeys = (keyPrefix: string, name: string) => {
  const prefix = `${keyPrefix}:{day-budget.${name}}`;
  return {
    /** hash, with expiry: day (days since the epoch, UTC), used, warned, `cost:<sourceId>` (of its last exchange) */
    spent: `${prefix}:spent`,
    /** zset, with expiry: `<ticket> <cost>` of exchanges whose cost may still be corrected → until when (ms) */
    pending: `${prefix}:pending`,
  } as const;
};
