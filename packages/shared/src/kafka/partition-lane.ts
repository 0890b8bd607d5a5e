// What goes to one partition, in order: one batch is on its way at a time, and it stays at the head until it is written,
// or its records have failed. That way its number is never used for other records and the order of a key holds.
import type { CallOff } from './call-off.ts';
import type { OutgoingRecord } from './port.ts';
import { addFailure, type FailuresByError } from './publish-failures.ts';
import type { ProducerIdentity } from './wire.ts';

/** A record batch on its way. */
export interface LaneBatch {
  /** Of its records in what was published. */
  readonly indexes: readonly number[];
  readonly bytes: Buffer;
  /** Whether identity and sequence number are written into `bytes`. */
  isNumbered: boolean;
  mayBeWritten: boolean;
  /** Attempts in a row that did not end with the batch being kept up, and when the first of them began; 0 = none. */
  attempts: number;
  firstAttemptAt: number;
}

/** Everything of one publish that goes to one partition. */
export interface Shipment {
  readonly records: readonly OutgoingRecord[];
  readonly queuedAt: number;
  readonly failures: FailuresByError;
  /** Whether its publish was called off. */
  readonly off: CallOff;
  batches: LaneBatch[];
  /** Called once nothing of it is left. */
  readonly settle: () => void;
}

/** A partition as the producer sees it. */
export interface PartitionLane {
  readonly topic: string;
  readonly partition: number;
  /** Null until it is needed, and after it was lost. */
  identity: ProducerIdentity | null;
  /** Sequence number of the next record under that identity. */
  sequence: number;
  shipments: Shipment[];
  /** Whether somebody is sending its head. */
  isServed: boolean;
}

/** A batch that was not sent yet. */
export const newBatch = (indexes: readonly number[], bytes: Buffer): LaneBatch => ({
  indexes,
  bytes,
  isNumbered: false,
  mayBeWritten: false,
  attempts: 0,
  firstAttemptAt: 0,
});

/** Puts other batches in the place of a lane's head; without any left, its shipment is settled. */
export const replaceHead = (lane: PartitionLane, batches: readonly LaneBatch[]): void => {
  const shipment = lane.shipments[0];
  if (shipment === undefined) return;
  shipment.batches = [...batches, ...shipment.batches.slice(1)];
  if (shipment.batches.length > 0) return;
  lane.shipments.shift();
  shipment.settle();
};

/** What is left of a shipment fails with `error`, but for its first `keep` batches; later shipments stay. */
const failRest = (lane: PartitionLane, shipment: Shipment, keep: number, error: unknown): void => {
  for (const batch of shipment.batches.slice(keep)) addFailure(shipment.failures, batch.indexes, error);
  shipment.batches = shipment.batches.slice(0, keep);
  if (shipment.batches.length > 0) return;
  lane.shipments = lane.shipments.filter((one) => one !== shipment);
  shipment.settle();
};

/** All that is left of a shipment fails with `error`; later shipments stay. */
export const failShipment = (lane: PartitionLane, shipment: Shipment, error: unknown): void =>
  failRest(lane, shipment, 0, error);

/** What was never sent of a shipment fails once its publish is called off: all but a head that may be written. */
export const failCalledOff = (lane: PartitionLane, shipment: Shipment): void => {
  const error = shipment.off.error();
  if (error !== null) failRest(lane, shipment, shipment.batches[0]?.mayBeWritten === true ? 1 : 0, error);
};

/**
 * Shipments behind the head that have waited since before `since` fail with `error`, and those that were called off:
 * nothing of them was ever sent.
 */
export const failWaiting = (lane: PartitionLane, since: number, error: unknown): void => {
  for (const shipment of lane.shipments.slice(1)) {
    if (shipment.queuedAt <= since) failShipment(lane, shipment, error);
    else failCalledOff(lane, shipment);
  }
};
