// A look at a source: one poll that touches no queue and remembers nothing. It says what would have become of every row:
// a record with its topic, key and priority, a dead letter with its reason, or a repetition.
import type { Config } from '@stream-manager/shared/config/schema';
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import type { Priority } from '@stream-manager/shared/records/priority';
import { parseValue } from '@stream-manager/shared/records/stored-value';
import { createTopicResolver, type TopicRule } from '@stream-manager/shared/topics/resolve-topic';
import { startPreparation } from '../admission/prepare.ts';
import type { HttpClient } from '../http/http-client.ts';
import type { Redactor } from '../http/secrets.ts';
import type { PolledSource } from '../polled-sources.ts';
import { formatChanged, isFormatChanged } from '../sources/changed-format.ts';
import type { PollWindow } from '../sources/source.ts';

/** A record as Kafka would get it. */
export interface PreviewRecord {
  readonly id: string;
  readonly topic: string;
  /** What decided about the topic. */
  readonly rule: TopicRule;
  readonly key: string;
  readonly priority: Priority;
  readonly observedAt: string;
  /** An earlier page had the same id with other content: it is published again, with a revision. */
  readonly isCorrection: boolean;
  /** The envelope. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** A row that would be a dead letter. */
export interface PreviewInvalid {
  readonly reason: string;
  readonly message: string;
  /** With secrets cut. */
  readonly raw: string;
}

/** What one poll would have done. */
export interface Preview {
  readonly records: readonly PreviewRecord[];
  readonly invalid: readonly PreviewInvalid[];
  /** Rows that a later one of the same page repeats, and those of later pages that are known by then. */
  readonly repeated: number;
  readonly pages: number;
  /** There is more: only the first pages were read. */
  readonly isCutShort: boolean;
  /** High-water mark that the poll would have left. */
  readonly cursor: unknown;
  /** What ended the poll before its time. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** When the look is taken, and how far it goes. */
export interface PreviewPoll {
  readonly scheduledFor: number;
  readonly window: PollWindow;
  /** Pages that are read at most. */
  readonly maxPages: number;
  readonly signal: AbortSignal;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Polls once. Whatever the source throws is the preview's `error`. */
export const previewPoll = async (
  deps: { readonly config: Config; readonly http: HttpClient; readonly redact: Redactor },
  source: PolledSource,
  poll: PreviewPoll,
): Promise<Preview> => {
  const { config, http, redact } = deps;
  const { id } = source.config;
  const resolver = createTopicResolver(config.routing, config.sources);
  const records: PreviewRecord[] = [];
  const invalid: PreviewInvalid[] = [];
  /** Content of the records that earlier pages brought, by id. */
  const known = new Map<string, string>();
  let repeated = 0;
  let pages = 0;
  let isCutShort = false;
  let cursor: unknown = null;
  let error: Preview['error'] = null;
  const { scheduledFor, window, signal } = poll;
  const context = {
    source: source.config,
    position: null,
    scheduledFor,
    cursor: null,
    window,
    isBackfill: false,
    maxInvalidShare: source.maxInvalidShare,
    http,
    signal,
  };
  try {
    for await (const page of source.connector.poll(context)) {
      const preparation = startPreparation(source.prepare, scheduledFor);
      preparation.add(page.records);
      preparation.addInvalid(page.invalid);
      const rows = preparation.finish();
      const count = page.records.length + page.invalid.length;
      if (page.isPart !== true && isFormatChanged(count, rows.invalid.length, source.maxInvalidShare))
        throw formatChanged(
          { rows: count, invalid: rows.invalid.length, sample: rows.invalid },
          source.maxInvalidShare,
          redact,
        );
      for (const { id: recordId, hash, key, value } of rows.records) {
        const [idText, content] = [recordId.toString('hex'), hash.toString('hex')];
        const before = known.get(idText);
        if (before === content || (before !== undefined && source.config.corrections === 'ignore')) {
          repeated += 1;
          continue;
        }
        known.set(idText, content);
        const envelope = parseValue(value) ?? {};
        // Written by the preparation above.
        const data = envelope['data'] as Readonly<Record<string, unknown>>;
        const { topic, rule } = resolver.resolve(id, data);
        records.push({
          id: text(envelope['id']),
          topic,
          rule,
          key,
          priority: envelope['priority'] as Priority,
          observedAt: text(envelope['observedAt']),
          isCorrection: before !== undefined,
          value: envelope,
        });
      }
      for (const { reason, message, raw } of rows.invalid)
        invalid.push({ reason, message: redact(message), raw: redact(raw) });
      repeated += rows.repeated;
      pages += 1;
      if (page.cursor !== undefined) cursor = page.cursor;
      if (pages >= poll.maxPages && page.position !== null) {
        isCutShort = true;
        break;
      }
    }
  } catch (thrown) {
    error = { code: codeOf(thrown) ?? 'error', message: redact(messageOf(thrown)) };
  }
  return { records, invalid, repeated, pages, isCutShort, cursor, error };
};
