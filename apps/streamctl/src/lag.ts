// `streamctl lag [ID]`: what the consumers of each source have still to read, which way that goes, and what the throttle
// makes of it, with its reason.
import { createApiClient, type StreamAnswer } from '@stream-manager/shared/ops/api-client';
import type { ApiAccess } from '@stream-manager/shared/ops/data-directory';
import { jsonText } from './json-text.ts';
import { amount, decisionWords, drainWords, span, trendWords } from './lag-words.ts';
import { shortenNames, wrap } from './narrow.ts';
import { renderTable } from './table.ts';
import { unknownSource } from './unknown-source.ts';
import { UsageError } from './usage-error.ts';

export const lagUsage = `npm run streamctl -- lag [SOURCE] [--json]
  per source: the consumer groups that read its topics, how far each is behind, which way the lag goes and how long it
  takes to drain, then the throttle's decision and why it was made.

  SOURCE             of this source only, by its id in the config
  --json             the answer as JSON on standard output

LAG       records between the committed offset of the group and the end of the topic; "unknown" if it cannot be read
TREND     change of the worst group's lag over the window of the throttle (throttling.windowSeconds)
DRAINS IN time until that group is through, as fast as it reads now; "never" while it reads nothing
LOST      records that retention deleted before the group had read them
SAMPLED   how long ago the lag was read; older than 30 s it counts as unknown
`;

/** What the command line says of `lag`. */
export interface LagOptions {
  /** null: all sources. */
  readonly sourceId: string | null;
  readonly json: boolean;
}

/** Reads the words after `lag`. Throws `UsageError`. Pure. */
export const readLagOptions = (args: readonly string[]): LagOptions => {
  const unknown = args.find((arg) => arg.startsWith('-') && arg !== '--json');
  if (unknown !== undefined) throw new UsageError(`lag has no ${unknown}`);
  const sourceIds = args.filter((arg) => arg !== '--json');
  if (sourceIds.length > 1)
    throw new UsageError(`lag takes one source, not ${sourceIds.length}: ${sourceIds.join(', ')}`);
  return { sourceId: sourceIds[0] ?? null, json: args.includes('--json') };
};

const groupRows = ({ id, lag }: StreamAnswer): readonly (readonly string[])[] => {
  const ofSource = [
    trendWords(lag.trendPerSecond),
    drainWords(lag),
    lag.ageMs === null ? 'never' : `${span(lag.ageMs / 1000)} ago`,
  ];
  if (lag.records === null || lag.groups.length === 0)
    return [[id, '–', '–', lag.records === null ? 'unknown' : amount(lag.records), ...ofSource]];
  return lag.groups.map(({ group, topic, records, lostToRetention }, index) => [
    index === 0 ? id : '',
    group,
    topic,
    amount(records),
    ...(index === 0 ? ofSource : ['', '', '']),
    lostToRetention > 0 ? amount(lostToRetention) : '',
  ]);
};

const threshold = (records: number | null): string =>
  records === null ? 'not known yet' : `${amount(records)} records`;

const thresholdWords = ({ targetRecords, criticalRecords }: StreamAnswer['throttle']): string =>
  targetRecords === null && criticalRecords === null
    ? 'thresholds not known yet'
    : `target ${threshold(targetRecords)}, critical ${threshold(criticalRecords)}`;

/** What is to be said of one source, a sentence each. */
const sentencesOf = ({ lag, throttle }: StreamAnswer): readonly string[] => [
  `${decisionWords(throttle)}; ${thresholdWords(throttle)}`,
  `why: ${throttle.reason}`,
  ...(lag.abandonedGroups.length === 0
    ? []
    : [`! ignored, since their commits have not moved for a day: ${lag.abandonedGroups.join(', ')}`]),
];

const columns = [
  { title: 'SOURCE' },
  { title: 'GROUP' },
  { title: 'TOPIC' },
  { title: 'LAG', isNumber: true },
  { title: 'TREND' },
  { title: 'DRAINS IN', isNumber: true },
  { title: 'SAMPLED', isNumber: true },
  { title: 'LOST', isNumber: true },
];
const nameColumns = 3;

/** The text for people. `width`: of the terminal, in characters; null = no terminal, nothing is shortened or wrapped. Pure. */
export const renderLag = (streams: readonly StreamAnswer[], width: number | null): string => {
  if (streams.length === 0) return 'there are no sources\n';
  const rows = streams.flatMap(groupRows);
  // Nothing was lost as a rule: then there is no column for it.
  const shown = rows.some((row) => (row[7] ?? '') !== '') ? columns : columns.slice(0, 7);
  const table = renderTable(shown, width === null ? rows : shortenNames(shown, rows, { names: nameColumns, width }));
  const sentences = streams.flatMap((stream) => [
    '',
    stream.id,
    ...sentencesOf(stream)
      .flatMap((sentence) => wrap(sentence, width === null ? null : width - 2))
      .map((line) => `  ${line}`),
  ]);
  return `${[table, ...sentences].join('\n')}\n`;
};

/** The streams that are meant. Throws a sentence that names those there are. */
const chosen = (streams: readonly StreamAnswer[], sourceId: string | null): readonly StreamAnswer[] => {
  if (sourceId === null) return streams;
  const found = streams.filter(({ id }) => id === sourceId);
  if (found.length > 0) return found;
  throw unknownSource(
    sourceId,
    streams.map(({ id }) => id),
  );
};

/** What of a stream `lag --json` gives, under the names of the API. */
const jsonOf = ({ id, state, lag, throttle }: StreamAnswer) => ({ id, state, lag, throttle });

/** Asks the API and gives the text to print. */
export const lag = async (
  access: ApiAccess,
  options: LagOptions & { readonly width: number | null },
): Promise<string> => {
  const { streams } = await createApiClient(access).streams();
  const meant = chosen(streams, options.sourceId);
  if (options.json) return jsonText({ streams: meant.map(jsonOf) });
  return renderLag(meant, options.width);
};
