// What was read and what was served in the same form, so that a test can compare one with the other.
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { naturalKeyOf } from '@stream-manager/testkit/accounting/natural-key';

/** Numbers to nine digits: what a conversion of units there and back leaves of them. */
const rounded = (value: unknown): object =>
  JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === 'number' ? Number(inner.toPrecision(9)) : inner,
  );

/** A record that a connector gave. */
export const readOf = ({ type, observedAtMs, location, data }: SourceRecord): object => {
  const observedAt = new Date(observedAtMs).toISOString();
  return rounded({ key: naturalKeyOf({ type, observedAt, location, data }), type, observedAt, location, data });
};

/** A row of the providers' ledger. */
export const servedOf = ({ naturalKey: key, type, observedAt, location, data }: ExpectedRecord): object =>
  rounded({ key, type, observedAt, location, data });

/** Without an order. */
export const sorted = (rows: readonly unknown[]): readonly unknown[] =>
  rows.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
