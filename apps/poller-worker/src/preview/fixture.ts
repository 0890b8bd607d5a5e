// An answer of a provider kept in a file beside the config, with what became of it: `streamctl sources test --save` writes
// it, `streamctl config test` polls it again without network and says what is different now. No secret is in it.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type ErrorCode, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { HttpClient } from '../http/http-client.ts';
import { HttpStatusError } from '../http/http-status-error.ts';
import type { PollWindow } from '../sources/source.ts';
import { type NotedExchange, shownUrl } from './exchange-log.ts';
import { type KeptReading, responseOfKept } from './kept-response.ts';
import type { Preview, PreviewRecord } from './preview-poll.ts';

/** Version of the form below. */
const fixtureVersion = 1;

/** Records that a fixture holds whole; of more, only their digest. */
const wholeRecords = 500;

/** A record without the time at which it was fetched. */
interface ExpectedRecord extends Pick<PreviewRecord, 'id' | 'topic' | 'key' | 'priority'> {
  readonly observedAt: string;
  readonly type: unknown;
  readonly location?: unknown;
  readonly data: unknown;
}

/** What the poll of the saved answers came to. */
export interface Expected {
  readonly records: readonly ExpectedRecord[];
  readonly recordCount: number;
  /** Of all records, in order. */
  readonly digest: string;
  readonly invalid: readonly { readonly reason: string; readonly message: string }[];
  readonly repeated: number;
  readonly error: { readonly code: string } | null;
}

interface SavedExchange {
  readonly method: string;
  readonly url: string;
  readonly requestBody: string | null;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Instead of `body` when it is no text. */
  readonly bodyBase64?: string;
  /** Instead of a body when the answer was a refusal. */
  readonly refusal?: { readonly code: string; readonly message: string; readonly excerpt: string };
}

/** The file. */
export interface Fixture {
  readonly version: number;
  readonly source: string;
  readonly type: string;
  readonly savedAt: string;
  readonly scheduledFor: number;
  readonly window: PollWindow;
  readonly exchanges: readonly SavedExchange[];
  /** What the poll of these very answers comes to: secrets are cut from them, so that it may be other than what was shown. */
  readonly expected: Expected;
}

/** The answers of a poll, before it is known what becomes of them. */
export type FixtureAnswers = Omit<Fixture, 'expected'>;

const saved = ({ method, url, requestBody, status, headers, body, error }: NotedExchange): SavedExchange => {
  const asked = { method, url, requestBody, status: status ?? 0, headers };
  if (error !== null) return { ...asked, refusal: error };
  const bytes = body ?? Buffer.alloc(0);
  return {
    ...asked,
    ...(isUtf8(bytes) ? { body: bytes.toString('utf8') } : { bodyBase64: bytes.toString('base64') }),
  };
};

const expectedRecord = ({ id, topic, key, priority, observedAt, value }: PreviewRecord): ExpectedRecord => ({
  id,
  topic,
  key,
  priority,
  observedAt,
  type: value['type'],
  ...(value['location'] === undefined ? {} : { location: value['location'] }),
  data: value['data'],
});

/** What a preview came to, in the form in which it is compared. */
export const expectedOf = (preview: Preview): Expected => {
  const records = preview.records.map(expectedRecord);
  const digest = createHash('sha256');
  for (const record of records) digest.update(`${JSON.stringify(record)}\n`);
  return {
    records: records.slice(0, wholeRecords),
    recordCount: records.length,
    digest: digest.digest('hex'),
    invalid: preview.invalid.slice(0, wholeRecords).map(({ reason, message }) => ({ reason, message })),
    repeated: preview.repeated,
    error: preview.error === null ? null : { code: preview.error.code },
  };
};

/** The answers of a look, to be saved. */
export const answersOf = (
  source: { readonly id: string; readonly type: string },
  poll: { readonly scheduledFor: number; readonly window: PollWindow },
  exchanges: readonly NotedExchange[],
): FixtureAnswers => ({
  version: fixtureVersion,
  source: source.id,
  type: source.type,
  savedAt: new Date(poll.scheduledFor).toISOString(),
  scheduledFor: poll.scheduledFor,
  window: poll.window,
  // An exchange that never got an answer cannot be repeated.
  exchanges: exchanges.filter(({ status }) => status !== null).map(saved),
});

/** Reads a fixture; a text says why it is none. */
export const readFixture = (json: string): Fixture | string => {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'it is no JSON';
  }
  if (typeof value !== 'object' || value === null) return 'it is no object';
  if (!('version' in value) || value.version !== fixtureVersion)
    return `expected version ${fixtureVersion} of the form: save it anew`;
  if (!('exchanges' in value) || !Array.isArray(value.exchanges)) return 'it holds no exchanges';
  if (!('expected' in value) || !('source' in value) || !('window' in value)) return 'it is not complete';
  // Written from a `Look`; a person who edits it by hand changes what is expected, not its form.
  return value as Fixture;
};

/** A client that gives the saved answers, each once, to whoever asks what was asked then. */
export const createFixtureHttp = (
  { exchanges, scheduledFor }: FixtureAnswers,
  reading: Omit<KeptReading, 'place'>,
): HttpClient => {
  const { redact } = reading;
  const left = [...exchanges];
  return {
    fetch: async (request) => {
      const url = shownUrl(request, redact);
      const method = request.method ?? 'GET';
      const body = request.body === undefined ? null : redact(request.body);
      const at = left.findIndex((one) => one.method === method && one.url === url && one.requestBody === body);
      const [exchange] = at === -1 ? [] : left.splice(at, 1);
      if (exchange === undefined)
        throw new StreamManagerError(
          'fetch_network',
          `the fixture holds no answer to ${method} ${url}: the source asks something else now; save it anew`,
        );
      const { status, headers, refusal } = exchange;
      if (refusal !== undefined)
        throw new HttpStatusError(codeOfRefusal(refusal.code), refusal.message, { status, ...refusal });
      const bytes =
        exchange.bodyBase64 === undefined
          ? Buffer.from(exchange.body ?? '', 'utf8')
          : Buffer.from(exchange.bodyBase64, 'base64');
      return responseOfKept({ status, headers, bytes, receivedAtMs: scheduledFor }, { ...reading, place: url });
    },
  };
};

const codeOfRefusal = (code: string): ErrorCode =>
  code === 'rate_limited' || code === 'credentials_refused' ? code : 'fetch_status';

/** What is different now, a line each; empty when nothing is. Pure. */
export const differencesOf = (expected: Expected, found: Expected): readonly string[] => {
  const lines: string[] = [];
  const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
  if (show(expected.error) !== show(found.error))
    lines.push(`ended with ${show(found.error?.code ?? null)}, expected ${show(expected.error?.code ?? null)}`);
  if (expected.recordCount !== found.recordCount)
    lines.push(`${found.recordCount} records, expected ${expected.recordCount}`);
  if (expected.repeated !== found.repeated)
    lines.push(`${found.repeated} repeated rows, expected ${expected.repeated}`);
  const now = new Map(found.records.map((record) => [record.id, record]));
  for (const record of expected.records) {
    const other = now.get(record.id);
    now.delete(record.id);
    if (other === undefined) lines.push(`record ${record.id} (key ${record.key}) is gone`);
    else
      for (const name of ['topic', 'key', 'priority', 'observedAt', 'type', 'location', 'data'] as const)
        if (show(other[name]) !== show(record[name]))
          lines.push(`record ${record.id}: ${name} is ${show(other[name])}, expected ${show(record[name])}`);
  }
  for (const id of now.keys()) lines.push(`record ${id} is new`);
  if (show(expected.invalid) !== show(found.invalid))
    lines.push(`invalid rows are ${show(found.invalid)}, expected ${show(expected.invalid)}`);
  // Beyond what a fixture holds whole.
  if (lines.length === 0 && expected.digest !== found.digest)
    lines.push(`records behind the first ${wholeRecords}, or their order, are different`);
  return lines;
};
