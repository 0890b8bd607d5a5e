// The producing half of the port with idempotence: every batch carries the producer's identity and a sequence number of its
// partition, so that a broker which has it already says so instead of writing it again. While the outcome of a batch is
// not known (no answer, a cut connection, replicas that did not confirm in time) it is sent again as it is until it is
// answered, however long that takes: whoever gave up and sent the records again would send them under new numbers.
// What cannot have been written fails after a few tries. What is kept up meanwhile is told by `onTrouble`.
import { judgeSend, nextSequence, type SendResult } from './batch-verdict.ts';
import type { BrokerAddress } from './broker-links.ts';
import { type CallOff, createCallOff } from './call-off.ts';
import { type ClusterMetadata, topicIn } from './cluster-metadata.ts';
import { createLeaderRequests } from './leader-requests.ts';
import {
  failCalledOff,
  failShipment,
  failWaiting,
  type LaneBatch,
  type PartitionLane,
  replaceHead,
  type Shipment,
} from './partition-lane.ts';
import { createPlacement } from './place-records.ts';
import type { KafkaProducerOptions, KafkaProducerPort, OutgoingRecord } from './port.ts';
import { type BatchMaker, prepareBatches, splitBatch } from './prepare-batches.ts';
import { createIdentities } from './producer-identities.ts';
import { protocolError } from './protocol-error.ts';
import { addFailure, type FailuresByError, listFailures } from './publish-failures.ts';
import { sealRecordBatch } from './record-encoder.ts';
import { type RetryPolicy, waitForRetry } from './retry.ts';
import { producerClosed, sendableRecords } from './sendable-records.ts';
import type { NumberedWire } from './wire.ts';

/** What the producer needs. */
export interface NumberedProducerDeps extends BatchMaker {
  readonly wire: NumberedWire;
  readonly metadata: ClusterMetadata;
  /** How long a broker waits for its replicas, in milliseconds. */
  readonly produceTimeoutMs: number;
  /** For what cannot have been written; its delays hold for what is kept up too. */
  readonly retry: RetryPolicy;
  /** Partitions whose sequence numbers are remembered; above it those without a batch are forgotten. Default 10000. */
  readonly maxLanes?: number;
}

const unknownTopic = 3;
const leaderNotAvailable = 5;
const unknownServerError = -1;
const invalidTimestamp = 32;

/** `onTrouble` is not called again within this time. */
const troubleEveryMs = 2_000;

const orOff = <Result>(off: CallOff | null, work: Promise<Result>): Promise<Result> =>
  off === null ? work : off.orOff(work);

const where = ({ topic, partition }: PartitionLane): string => `partition ${partition} of topic ${topic}`;

/** Creates the producer. Connects, and asks for an identity, with the first publish. */
export const createNumberedProducer = (
  deps: NumberedProducerDeps,
  { onTrouble = () => {} }: KafkaProducerOptions = {},
): KafkaProducerPort => {
  const { wire, metadata, retry, maxLanes = 10_000 } = deps;
  const requests = createLeaderRequests(wire, deps.produceTimeoutMs);
  const lanes = new Map<string, PartitionLane>();
  const identities = createIdentities(() => wire.newIdentity());
  let troubleToldAt = Number.NEGATIVE_INFINITY;

  const loseIdentity = (lane: PartitionLane): void => {
    if (lane.identity !== null) identities.lose(lane.identity);
    lane.identity = null;
    lane.sequence = 0;
  };

  const leaderOf = async ({ topic, partition }: PartitionLane): Promise<BrokerAddress> => {
    const view = topicIn(await metadata.topics([topic]), topic);
    if (view instanceof Error) throw view;
    const found = view.partitions[partition];
    if (found?.leader) return found.leader;
    const code = found === undefined ? unknownTopic : found.errorCode || leaderNotAvailable;
    throw protocolError(code, `partition ${partition} of topic ${topic} has no leader`);
  };

  /** Writes identity and sequence into a batch, once: a repeated one stays the same. */
  const number = async (lane: PartitionLane, batch: LaneBatch, off: CallOff | null): Promise<void> => {
    if (batch.isNumbered) return;
    lane.identity ??= await orOff(off, identities.current());
    sealRecordBatch(batch.bytes, { ...lane.identity, sequence: lane.sequence });
    batch.isNumbered = true;
  };

  /** `off` null: the batch may be written, so that it has to be sent until it is answered. */
  const send = async (lane: PartitionLane, batch: LaneBatch, off: CallOff | null): Promise<SendResult> => {
    try {
      const leader = await orOff(off, leaderOf(lane));
      await number(lane, batch, off);
      const { topic, partition } = lane;
      const answer = await requests.send(leader, { topic, partition, batch: batch.bytes }, off);
      if ('error' in answer) return { code: null, ...answer };
      const code = answer.code ?? unknownServerError;
      const detail = answer.code === null ? `no answer for ${where(lane)}` : where(lane);
      return { code, error: code === 0 ? null : protocolError(code, detail) };
    } catch (error) {
      return { code: null, error, isHandedOver: false };
    }
  };

  /** Tells of everything that is being kept up: what becomes so within the next 2 s is not told of by itself. */
  const tellTrouble = (error: unknown): void => {
    const now = performance.now();
    if (now - troubleToldAt < troubleEveryMs) return;
    troubleToldAt = now;
    const sourceIds = new Set<string>();
    for (const { shipments } of lanes.values()) {
      const [head] = shipments;
      if (head?.batches[0]?.mayBeWritten !== true) continue;
      for (const index of head.batches[0].indexes) sourceIds.add(head.records[index]?.sourceId ?? '');
    }
    onTrouble(error, [...sourceIds]);
  };

  /** Sends the first batch of a lane's first shipment once and does what the answer asks for. True: it is to be sent again. */
  const serveHead = async (lane: PartitionLane, shipment: Shipment, failuresInARow: number): Promise<boolean> => {
    failCalledOff(lane, shipment);
    if (lane.shipments[0] !== shipment) return false;
    const batch = shipment.batches[0];
    if (batch === undefined || wire.closing.aborted) {
      failShipment(lane, shipment, producerClosed());
      return false;
    }
    if (batch.attempts === 0) batch.firstAttemptAt = performance.now();
    batch.attempts++;
    const result = await send(lane, batch, batch.mayBeWritten ? null : shipment.off);
    // It is no answer of the cluster that its publish was called off: the next turn lets go of it.
    if (result.error !== null && result.error === shipment.off.error()) return false;
    const verdict = judgeSend(
      { ...batch, records: batch.indexes.length, elapsedMs: performance.now() - batch.firstAttemptAt },
      result,
      retry,
    );
    switch (verdict.action) {
      case 'written':
        lane.sequence = nextSequence(lane.sequence, batch.indexes.length);
        replaceHead(lane, []);
        return false;
      case 'split':
        if (verdict.isIdentityLost) loseIdentity(lane);
        if (result.code === invalidTimestamp) deps.limits.forget(lane.topic);
        replaceHead(lane, await splitBatch(deps, shipment.records, batch));
        return false;
      case 'refused':
        if (verdict.isIdentityLost) loseIdentity(lane);
        if (result.code === invalidTimestamp) deps.limits.forget(lane.topic);
        addFailure(shipment.failures, batch.indexes, result.error);
        replaceHead(lane, []);
        return false;
      case 'let_go':
        metadata.forget(lane.topic);
        if (verdict.isIdentityLost) loseIdentity(lane);
        failShipment(lane, shipment, wire.closing.aborted ? producerClosed() : result.error);
        return false;
      case 'again':
        metadata.forget(lane.topic);
        batch.mayBeWritten = verdict.mayBeWritten;
        if (verdict.isKeptUp) {
          batch.attempts = 0;
          tellTrouble(result.error);
        }
        failWaiting(lane, performance.now() - retry.withinMs, result.error);
        await waitForRetry(retry, failuresInARow + 1, wire.closing);
        return true;
    }
  };

  const serve = async (lane: PartitionLane): Promise<void> => {
    if (lane.isServed) return;
    lane.isServed = true;
    let failuresInARow = 0;
    for (let head = lane.shipments[0]; head !== undefined; head = lane.shipments[0]) {
      try {
        failuresInARow = (await serveHead(lane, head, failuresInARow)) ? failuresInARow + 1 : 0;
      } catch (error) {
        // Ours, such as a codec that fails; what became of the head's number is not known then.
        loseIdentity(lane);
        failShipment(lane, head, error);
      }
    }
    lane.isServed = false;
  };

  const laneOf = (topic: string, partition: number): PartitionLane => {
    const name = `${topic}/${partition}`;
    if (lanes.size >= maxLanes && !lanes.has(name)) {
      for (const [idle, { shipments, isServed }] of lanes) {
        if (shipments.length === 0 && !isServed) lanes.delete(idle);
      }
      // A lane that comes back begins at 0 again, so it must not come back under the identity that it had.
      identities.renew();
    }
    const lane = lanes.get(name) ?? { topic, partition, identity: null, sequence: 0, shipments: [], isServed: false };
    lanes.set(name, lane);
    return lane;
  };

  /** Puts batches into a lane and resolves when each of them is written or has failed. */
  const ship = (
    lane: PartitionLane,
    records: readonly OutgoingRecord[],
    batches: LaneBatch[],
    failures: FailuresByError,
    off: CallOff,
  ): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    lane.shipments.push({ records, queuedAt: performance.now(), failures, off, batches, settle: resolve });
    void serve(lane);
    return promise;
  };

  const place = createPlacement({ metadata, retry, closing: wire.closing });

  return {
    publish: async (records, { signal } = {}) => {
      const off = createCallOff(signal);
      const failures: FailuresByError = new Map();
      const sendable = sendableRecords(records, off, wire.closing, failures);
      const placed = await place(records, sendable, failures, off);
      // Never rejects by itself.
      const maxBatchBytes = deps.limits.maxBatchBytes(new Set(placed.map(({ topic }) => topic)));
      await Promise.all(
        placed.map(async ({ topic, partition, indexes }) => {
          try {
            const maxBytes = (await off.orOff(maxBatchBytes)).get(topic) ?? 0;
            const batches = [...(await prepareBatches(deps, records, indexes, topic, maxBytes, failures))];
            if (batches.length > 0) await ship(laneOf(topic, partition), records, batches, failures, off);
          } catch (error) {
            addFailure(failures, indexes, error);
          }
        }),
      );
      return { failures: listFailures(failures) };
    },
    timestampBounds: (topics) => deps.limits.timestampBounds(topics),
    isReachable: () => wire.isReachable(),
    close: () => wire.close(),
  };
};
