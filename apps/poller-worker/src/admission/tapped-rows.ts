// What a person who taps sees of rows on their way into the queues: after they were parsed, and after the known ones were
// left out.
import type { Sighting } from '@stream-manager/shared/queues/chunk-store';
import type { Tap } from '@stream-manager/shared/queues/tap';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { parseValue } from '@stream-manager/shared/records/stored-value';
import type { Redactor } from '../http/secrets.ts';
import type { AdmissibleRecord } from './prepare.ts';

/** Everything that parsing gave. What was no record comes first: there is little of it, and it is what people look for. */
export const showParsed = async (
  deps: { readonly tap: Tap; readonly cutSecrets: Redactor },
  sourceId: string,
  rows: { readonly records: readonly SourceRecord[]; readonly invalid: readonly InvalidRow[] },
): Promise<void> => {
  const { tap, cutSecrets } = deps;
  await tap.look();
  tap.show(sourceId, 'parse', rows.invalid, ({ reason, message, raw, context }) => ({
    invalid: {
      reason,
      message: cutSecrets(message),
      raw: cutSecrets(raw),
      ...(context === undefined ? {} : { context: cutSecrets(context) }),
    },
  }));
  tap.show(sourceId, 'parse', rows.records, ({ observedAtMs, ...record }) => ({
    record: { ...record, observedAt: new Date(observedAtMs).toISOString() },
  }));
};

/** The records among `records` that are new or corrected, by their `sightings`. */
export const showFresh = (
  tap: Tap,
  sourceId: string,
  fresh: readonly AdmissibleRecord[],
  sightingOf: (record: AdmissibleRecord) => Sighting | undefined,
): void =>
  tap.show(sourceId, 'dedupe', fresh, (record) => ({
    record: parseValue(record.value),
    key: record.key,
    isCorrection: sightingOf(record) === 'correction',
  }));
