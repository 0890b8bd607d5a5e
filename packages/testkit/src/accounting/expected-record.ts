// What the accounting compares: what a provider served, in the terms of the contract (design.md, "Envelope").
// The simulated world fills this in from its own truth, never by parsing what it sent.

/** Which provider's row a record comes from; `device` and `pushed`: what a test itself publishes over MQTT, or sends. */
export const recordKinds = [
  'firms',
  'station',
  'alert',
  'purpleair',
  'forecast',
  'airnow',
  'metar',
  'earthquake',
  'reading',
  'buoy',
  'device',
  'pushed',
] as const;
export type RecordKind = (typeof recordKinds)[number];

/** WGS84 degrees; the elevation only where the source gives one. */
export interface RecordLocation {
  readonly latitude: number;
  readonly longitude: number;
  readonly elevationM?: number;
}

/** A row in the terms of the contract, without how often it was served. */
export interface ExpectedContent {
  readonly kind: RecordKind;
  /** What makes two rows the same reading (see `natural-key.ts`). */
  readonly naturalKey: string;
  /** The envelope's `type`. */
  readonly type: string;
  /** ISO 8601 UTC with milliseconds. */
  readonly observedAt: string;
  /** The reading has no time of its own: any time is right, here and as the timestamp in Kafka. Default false. */
  readonly isTimeless?: boolean;
  readonly location?: RecordLocation;
  /** Every name of the contract for this type; null where the row gives none. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The key of the Kafka record. */
  readonly kafkaKey: string;
  /** The timestamp of the Kafka record, epoch milliseconds. */
  readonly eventTimeMs: number;
}

/** A row that was served and is therefore due in Kafka (once per source that asks for it). */
export interface ExpectedRecord extends ExpectedContent {
  /** Epoch milliseconds: end of the first full answer with this row; if `timesServed` is 0, of the first answer that was cut off or spoiled. */
  readonly firstServedAt: number;
  /** Epoch milliseconds of the last such answer. */
  readonly lastServedAt: number;
  /** In how many answers it was sent to the end, as a good row. */
  readonly timesServed: number;
}

/** A row that was served broken: due in the dead letters, once, however often it was served. */
export interface MalformedRow {
  readonly kind: RecordKind;
  /** The row as it stood in the answer. */
  readonly raw: string;
  /** What is wrong with it. */
  readonly reason: string;
  /** In how many answers it was sent to the end. */
  readonly timesServed: number;
}
