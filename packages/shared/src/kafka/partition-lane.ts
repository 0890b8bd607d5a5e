// What goes to one partition, in order: one batch is on its way at a time, and it stays at the head until it is written,
// or its records have failed. That way its number is never used for other records and the order of a key holds.

import type { OutgoingRecord } from './port.ts';
import type { FailuresByError } from './publish-failures.ts';
import { addFailure } from './publish-failures.ts';
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

/** All that is left of a shipment fails with `error`; later shipments stay. */
export const failShipment = (lane: PartitionLane, shipment: Shipment, error: unknown): void => {
  const indexes = shipment.batches.flatMap((batch) => batch.indexes);
  addFailure(shipment.failures, indexes, error);
  shipment.batches = [];
  lane.shipments = lane.shipments.filter((one) => one !== shipment);
  shipment.settle();
};

/** Shipments behind the head that have waited since before `since` fail with `error`: nothing of them was ever sent. */
export const failWaiting = (lane: PartitionLane, since: number, error: unknown): void => {
  for (const shipment of lane.shipments.slice(1)) {
    if (shipment.queuedAt <= since) failShipment(lane, shipment, error);
  }
};
