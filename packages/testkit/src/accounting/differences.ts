// What in a stored record differs from what its reading must be: key, headers, timestamp and the whole envelope.
import type { ExpectedContent } from './expected-record.ts';
import type { StoredEnvelope, StoredRecord } from './stored-record.ts';

/** One value that is not as it must be. */
export interface Difference {
  /** Where: `key`, `timestamp`, `headers.record-id`, `envelope.data.windSpeedMps` … */
  readonly path: string;
  readonly expected: unknown;
  readonly found: unknown;
}

/** Times inside `data`: the same instant is enough, in any ISO 8601 spelling of UTC. */
const timesInData: ReadonlySet<string> = new Set(['effective', 'onset', 'expires', 'ends']);
const priorities: ReadonlySet<unknown> = new Set(['critical', 'high', 'normal', 'low']);
const envelopeNames: ReadonlySet<string> = new Set([
  'id',
  'sourceId',
  'type',
  'observedAt',
  'ingestedAt',
  'priority',
  'location',
  'data',
]);

/** Relative tolerance of numbers: what converting units there and back may cost in floating point. */
const tolerance = 1e-9;

/**
 * All differences of a stored record from its expected content. `priority` is compared only when given; else it must be
 * one of the four names. A name that the contract does not have is a difference too.
 */
export const differencesOf = (
  expected: ExpectedContent,
  stored: StoredRecord,
  envelope: StoredEnvelope,
  priority?: string,
): readonly Difference[] => {
  const found: Difference[] = [];
  const check = (isRight: boolean, path: string, wanted: unknown, value: unknown): void => {
    if (!isRight) found.push({ path, expected: wanted, found: value });
  };
  const same = (path: string, wanted: unknown, value: unknown): void => check(wanted === value, path, wanted, value);

  same('key', expected.kafkaKey, stored.key);
  same('timestamp', expected.isTimeless ? eventTimeOf(envelope) : expected.eventTimeMs, stored.timestamp);
  same('headers.record-id', envelope.id, stored.headers['record-id']);
  same('headers.source-id', envelope.sourceId, stored.headers['source-id']);
  same('headers.schema-version', '1', stored.headers['schema-version']);
  // No simulated provider but that of earthquakes corrects a reading; there it hangs on what was read before.
  if (expected.kind !== 'earthquake') same('headers.revision', undefined, stored.headers['revision']);

  const { fields } = envelope;
  check(/^[A-Za-z0-9_-]{22}$/.test(envelope.id), 'envelope.id', '22 base64url characters', envelope.id);
  same('envelope.type', expected.type, envelope.type);
  check(
    expected.isTimeless ? isUtc(envelope.observedAt) : isSameInstant(expected.observedAt, envelope.observedAt),
    'envelope.observedAt',
    expected.isTimeless ? 'an ISO 8601 time in UTC' : expected.observedAt,
    envelope.observedAt,
  );
  check(isUtc(fields['ingestedAt']), 'envelope.ingestedAt', 'an ISO 8601 time in UTC', fields['ingestedAt']);
  check(
    priority === undefined ? priorities.has(fields['priority']) : fields['priority'] === priority,
    'envelope.priority',
    priority ?? [...priorities].join(' | '),
    fields['priority'],
  );
  for (const name of Object.keys(fields)) check(envelopeNames.has(name), `envelope.${name}`, undefined, fields[name]);
  compareValues(found, 'envelope.location', expected.location, envelope.location, false);
  compareValues(found, 'envelope.data', expected.data, envelope.data, true);
  return found;
};

const eventTimeOf = ({ observedAt }: StoredEnvelope): number | null =>
  typeof observedAt === 'string' ? Date.parse(observedAt) : null;

const isUtc = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));

const isSameInstant = (expected: string, found: unknown): boolean =>
  isUtc(found) && Date.parse(found) === Date.parse(expected);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const compareValues = (found: Difference[], path: string, expected: unknown, value: unknown, isData: boolean): void => {
  if (isObject(expected) && isObject(value) && Array.isArray(expected) === Array.isArray(value)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(value)])) {
      const [wanted, is] = [expected[name], value[name]];
      if (isData && timesInData.has(name) && typeof wanted === 'string') {
        if (!isSameInstant(wanted, is)) found.push({ path: `${path}.${name}`, expected: wanted, found: is });
      } else compareValues(found, `${path}.${name}`, wanted, is, false);
    }
    return;
  }
  const isSame =
    typeof expected === 'number' && typeof value === 'number'
      ? Math.abs(expected - value) <= tolerance * Math.max(Math.abs(expected), Math.abs(value))
      : expected === value;
  if (!isSame) found.push({ path, expected, found: value });
};
