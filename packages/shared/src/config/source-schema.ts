// The entry of one source: what all types share, with defaults by type, around the type's own `params`.
import { z } from 'zod';
import { type Priority, priorities } from '../records/priority.ts';
import { readCron } from './cron.ts';
import {
  anyNumber,
  choice,
  duration,
  durationOrOff,
  fieldFacts,
  flag,
  formedText,
  topicName,
  webOrigin,
  wholeNumber,
} from './fields.ts';
import { modulePath } from './module-path.ts';
import { sourceQueueSchema } from './sections/queue.ts';
import { sourceThrottlingSchema } from './sections/throttling.ts';
import { authSchema, headerNamePattern, headerValuePattern } from './source-params/auth.ts';
import { tlsSchema } from './source-params/tls.ts';
import { defaultEveryMs, isBuiltInMode, type Mode, modes, type SourceType } from './source-types.ts';

/** When a source is polled: every so many milliseconds, or by a cron expression in a time zone. */
export type Schedule =
  | { readonly everyMs: number; readonly cron?: undefined; readonly tz?: undefined }
  | { readonly everyMs?: undefined; readonly cron: string; readonly tz: string };

/** Defaults that differ from type to type. */
export type TypeDefaults = {
  readonly mode: Mode;
  readonly priority: Priority;
  readonly corrections: 'publish' | 'ignore';
};

const cron = z
  .string()
  .max(200)
  .superRefine((value, context) => {
    const facts = readCron(value);
    if (!facts.ok) context.addIssue({ code: 'custom', message: facts.reason });
  })
  .describe('Times of polls as a cron expression, instead of `every`.')
  .register(fieldFacts, { expects: 'a cron expression of five fields, or six with the second first' })
  .optional();

const timeZone = formedText('Time zone in which `cron` is read. Default UTC.', {
  expects: 'a time zone such as America/Los_Angeles',
  fits: (text) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
    } catch {
      return false;
    }
  },
}).optional();

const modeName = z
  .union([z.enum(modes), modulePath])
  .describe('How the source is polled; a path is that of a module with a mode of your own (docs/adding-a-mode.md).')
  .register(fieldFacts, {
    expects: `one of ${modes.join(', ')}, or the path of a module of your own such as ./night-only.ts`,
  });

const headerName = z.string().regex(headerNamePattern).register(fieldFacts, { expects: 'a header name' });

const headers = z
  .record(
    headerName,
    z
      .string()
      .max(4_096)
      .regex(headerValuePattern)
      .register(fieldFacts, { expects: 'a header value of one line', freeText: true }),
  )
  .describe('Headers that each request carries besides those of the type. NOAA wants a `User-Agent` with a contact.')
  .register(fieldFacts, { expects: 'a map of headers' })
  .default({});

const shared = (defaults: TypeDefaults) => ({
  enabled: flag('Whether the source is polled. Start and stop by an operator win over it.').default(true),
  mode: modeName.default(defaults.mode),
  every: duration(
    'Period of polls. Default by mode: batch 1h, real-time 30s, continuous 1s; a mode of your own has its own.',
    {
      minMs: 1_000,
      maxMs: 366 * 86_400_000,
      rangeText: '1s to 366d',
    },
  ).optional(),
  cron,
  tz: timeZone,
  priority: choice(
    'Priority of its records; rules may raise single ones. A source that is critical is never delayed by the throttle.',
    priorities,
  ).default(defaults.priority),
  rateLimitPerMinute: wholeNumber(
    'Requests in any 60 s, over the whole fleet, failed ones included. Sources that share host and key share the lowest of their limits.',
    { min: 1, max: 60_000, unit: 'requests' },
  ).default(60),
  timeoutSeconds: anyNumber('Time that one request may take, and that an answer may be silent.', {
    min: 0.1,
    max: 600,
    unit: 'seconds',
  }).default(30),
  dailyBudget: anyNumber(
    "What its requests of one UTC day may cost over the whole fleet, in the provider's own unit: purpleair points, nasa-firms transactions, all others requests. Sources that share host and key share the lowest. When it is spent, polls wait for the next day; backfills get half of it at most. Default: no limit.",
    { min: 1, max: 1_000_000_000_000, unit: 'units' },
  ).optional(),
  cacheTtlSeconds: anyNumber(
    'Time for which an answer is given again to whoever in the fleet asks the same, without a request; 0 is off. In effect at most 0.9 of the period. Answers above 8 MiB, or with `Cache-Control: no-store`, are not kept.',
    {
      min: 0,
      max: 604_800,
      unit: 'seconds',
    },
  ).default(60),
  staleAfter: durationOrOff(
    'Age of the newest observation of an answer above which the source is shown as `answers_but_stale`. Default by type: noaa-stations and metar 3h, purpleair 2h, airnow 4h, noaa-forecasts 24h, nasa-firms its `dayRange` and a day (standard products, which come months late, off), others off.',
    { minMs: 1_000, maxMs: 366 * 86_400_000, rangeText: '1s to 366d' },
  ).optional(),
  topic: topicName('Topic of all its records, before all routing.').optional(),
  partitionKey: formedText(
    "Path in the record's envelope whose value is the Kafka key; a record without a value there gets its id. Default by type.",
    {
      expects: 'type, or a path into data or location, such as data.stationId',
      // The rest of the envelope is the same for all records of a source, or another one for each fetch.
      fits: /^(type|(data|location)(\.[A-Za-z0-9_]+){1,15})$/,
    },
  ).optional(),
  headers,
  auth: authSchema,
  tls: tlsSchema,
  dedupeWindowHours: anyNumber(
    "Time for which an id is remembered after it was last in an answer. Default: 72, or the source's own range and a day when that is more; mqtt and push 1.",
    { min: 0.1, max: 8_784, unit: 'hours' },
  ).optional(),
  corrections: choice(
    'What happens to a known id with other content: published again with header `revision`, or ignored.',
    ['publish', 'ignore'],
  ).default(defaults.corrections),
  queue: sourceQueueSchema,
  throttling: sourceThrottlingSchema,
});

/** Address of a type that has a public one. */
export const publicAddress = (address: string) =>
  webOrigin('Scheme, host and port of the provider; the type adds its path.').prefault(address);

/** Address of a type that has none of its own. */
export const noPublicAddress = () =>
  webOrigin('Scheme, host and port of the provider, where the type needs one.').optional();

/** Address of a type that every source has its own of. */
export const ownAddress = () =>
  webOrigin('Scheme, host and port of the provider; `request.path` is added.', 'https://api.example.org');

/** The whole entry of a type. */
export const sourceEntry = <const T extends SourceType, A extends z.ZodType, P extends z.ZodType>(
  type: T,
  defaults: TypeDefaults,
  baseUrl: A,
  params: P,
) => {
  const typeName = z.literal(type).describe('Kind of source. It decides what `params` holds.');
  fieldFacts.add(typeName, { expects: type });
  return scheduled(z.strictObject({ type: typeName, ...shared(defaults), baseUrl, params })).describe(
    `Source of type ${type}.`,
  );
};

/** What of a source's entry decides when it is polled. */
type Timing = { mode: string; every?: number | undefined; cron?: string | undefined; tz?: string | undefined };

const scheduled = <S extends z.ZodType<Timing>>(entry: S) =>
  entry
    .superRefine((source, context) => {
      if (source.cron !== undefined && source.every !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['cron'],
          message: 'excludes every: a source has one of the two',
          params: { involves: ['every'] },
        });
      if (source.tz !== undefined && source.cron === undefined)
        context.addIssue({
          code: 'custom',
          path: ['tz'],
          message: 'has a meaning only beside cron',
          params: { involves: ['cron'] },
        });
    })
    .transform(withSchedule<z.output<S>>);

/** In place of a period that only the module of a mode knows; loading the module puts that in (extensions/load.ts). */
export const modeDecides = 0;

function withSchedule<T extends Timing>(source: T): Omit<T, 'every' | 'cron' | 'tz'> & Schedule {
  const { every, cron: expression, tz, ...rest } = source;
  const schedule: Schedule =
    expression === undefined
      ? { everyMs: every ?? (isBuiltInMode(source.mode) ? defaultEveryMs[source.mode] : modeDecides) }
      : { cron: expression, tz: tz ?? 'UTC' };
  return { ...rest, ...schedule };
}
