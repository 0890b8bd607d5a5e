// `params` of type http: any JSON, NDJSON, CSV or GeoJSON API, from config alone. Everything that can be wrong with it by
// itself is refused when the config is loaded.
import { z } from 'zod';
import { choice, duration, fieldFacts, flag, formedText, freeText } from '../fields.ts';
import { headerNamePattern, headerValuePattern } from './auth.ts';
import { checkMapping, fieldPath, mappingKeys } from './mapping.ts';
import { pagination, queryParameter } from './pagination.ts';
import { namesIn, parseTemplate, type RequestText, type TemplateName, textsIn } from './request-template.ts';

const dayMs = 86_400_000;

const parameterValue = z.union([z.string().max(4_096), z.number(), z.boolean()]);

const request = z
  .strictObject({
    path: formedText('Path below `baseUrl`, with or without a query. May hold templates, as all of the request.', {
      expects: 'a path that begins with one slash, such as /v1/readings',
      fits: (text) => /^\/(?![/\\])[^\s#]*$/.test(text.replace(/\{\{[^{}]*\}\}/g, 'x')),
      example: '/v1/readings',
    }).default('/'),
    method: choice('Method.', ['GET', 'POST']).default('GET'),
    query: z
      .record(
        z.string().min(1).max(200),
        z
          .union([parameterValue, z.array(parameterValue).max(500)])
          .register(fieldFacts, { expects: 'a text, a number, true or false, or a list of these', freeText: true }),
      )
      .describe('Query parameters; a list repeats its parameter. A key belongs into `auth` of the source.')
      .register(fieldFacts, { expects: 'a map of query parameters' })
      .default({}),
    headers: z
      .record(
        z.string().regex(headerNamePattern).register(fieldFacts, { expects: 'a header name' }),
        z
          .string()
          .max(4_096)
          .regex(headerValuePattern)
          .register(fieldFacts, { expects: 'a header value of one line', freeText: true }),
      )
      .describe('Headers with templates. Those without stand in `headers` of the source, a key in its `auth`.')
      .register(fieldFacts, { expects: 'a map of headers' })
      .default({}),
    body: z
      .union([freeText('A text, sent as it is.'), z.record(z.string(), z.unknown()), z.array(z.unknown())])
      .describe(
        'Body of a POST. A map or list is sent as JSON, and a text in it that is one template alone becomes its value (a number, or null). A text is sent as it is; its `content-type` stands in `headers`.',
      )
      .register(fieldFacts, { expects: 'a map, a list or a text', freeText: true })
      .optional(),
  })
  .prefault({})
  .describe(
    'The request. {{since}} and {{until}} (the time that the poll asks for), {{cursor}}, {{page}}, {{offset}} and {{next}} are filled in.',
  )
  .register(fieldFacts, { expects: 'a map with path, method, query, headers or body' });

const csv = z
  .strictObject({
    delimiter: formedText('Sign between two values; `tab` for a tabulator.', {
      expects: 'one sign, or tab',
      fits: /^(tab|[^"'\r\n])$/u,
      example: ',',
    })
      .transform((sign) => (sign === 'tab' ? '\t' : sign))
      .describe('Sign between two values; `tab` for a tabulator.')
      .register(fieldFacts, { expects: 'one sign, or tab', example: ',' })
      .default(','),
    header: z
      .union([z.boolean(), z.array(freeText('A name.', 'a name of a column').max(200)).min(1).max(1_000)])
      .describe(
        '`true`: the first line names the columns. A list: there is no such line, and these are their names; `false`: they are called column_1, column_2 and so on.',
      )
      .register(fieldFacts, { expects: 'true, false, or a list of names', example: true })
      .default(true),
    quote: choice('Sign around values that hold a delimiter or a line break; twice inside, it stands for itself.', [
      'double',
      'single',
      'none',
    ]).default('double'),
    comment: formedText('Lines that begin with it are no rows.', {
      expects: 'one to three signs, such as #',
      fits: /^\S{1,3}$/u,
      example: '#',
    }).optional(),
  })
  .prefault({})
  .describe('How CSV is written.')
  .register(fieldFacts, { expects: 'a map with delimiter, header, quote or comment' });

const cursor = z
  .strictObject({
    max: fieldPath(
      'Path in a record: the largest value of a pass is kept. Safe in whatever order an API answers.',
      'properties.updated',
    ).optional(),
    path: fieldPath(
      'Path in the answer: its value is kept, of the last page that has one. Instead of `max`.',
      'meta.token',
    ).optional(),
    parameter: queryParameter(
      'Query parameter that carries it. Elsewhere in the request: {{cursor}}.',
      'since_id',
    ).optional(),
    initial: z
      .union([z.string().min(1).max(1_000), z.number()])
      .describe('Its value before there is one. Without it the first request has none.')
      .register(fieldFacts, { expects: 'a text or a number', freeText: true })
      .optional(),
  })
  .superRefine((given, context) => {
    if ((given.max === undefined) === (given.path === undefined))
      context.addIssue({
        code: 'custom',
        message: 'must have either max (a path in a record) or path (a path in the answer), and not both',
        params: { involves: ['max', 'path'], inside: true },
      });
  })
  .describe(
    'What is kept between polls, so that the next one asks for news only. It moves only when a pass is finished.',
  )
  .register(fieldFacts, { expects: 'a map with either max or path', example: { max: 'id' } })
  .optional();

const stretch = (about: string, minMs: number, rangeText: string) =>
  duration(about, { minMs, maxMs: 3_650 * dayMs, rangeText });

export const httpParams = z
  .strictObject({
    request,
    format: choice('Form of the answers; `auto` goes by their content type, and fails where that says nothing.', [
      'auto',
      'json',
      'geojson',
      'ndjson',
      'csv',
    ]).default('auto'),
    records: fieldPath(
      'Path in a JSON answer to the list of records; a map there is one record. Default: the answer itself if it is a list, `features` of GeoJSON.',
      'data.items',
    ).optional(),
    layout: choice(
      '`columns`: at `records` stands a map of equally long lists, one per field, whose first values are the first record.',
      ['rows', 'columns'],
    ).default('rows'),
    csv,
    allowEmpty: flag('An answer without a byte means "no records". Otherwise it is unreadable.').default(false),
    ...mappingKeys,
    pagination,
    cursor,
    overlap: stretch('Taken off {{since}}, for records that come late.', 0, '0s to 3650d').prefault('0s'),
    lookBack: stretch(
      'How far {{since}} lies before {{until}} while no poll has been finished.',
      1_000,
      '1s to 3650d',
    ).prefault('1d'),
    backfill: z
      .strictObject({
        slice: stretch('Longest stretch of the past that one pass asks for.', 60_000, '1m to 3650d').prefault('1d'),
      })
      .prefault({})
      .describe('How the past is fetched; possible when the request holds {{since}} and {{until}}.')
      .register(fieldFacts, { expects: 'a map with slice' }),
  })
  .superRefine((params, context) => {
    checkMapping(params, context);
    const fault = (path: RequestText['path'], message: string, involves: readonly string[] = []): void =>
      context.addIssue({ code: 'custom', path: [...path], message, params: { involves } });
    if (params.time === undefined) fault(['time'], 'is missing: expected a path to the time of a record', []);
    const texts = requestTexts(params.request);
    const used = new Set<TemplateName>();
    for (const { path, text } of texts) {
      const parsed = parseTemplate(text);
      if ('fault' in parsed) fault(path, parsed.fault);
      for (const name of namesIn(text)) {
        used.add(name);
        const lacks = whatLacks(name, params);
        if (lacks !== null) fault(path, `holds {{${name}}}, which ${lacks}`);
      }
    }
    if (params.request.body !== undefined && params.request.method === 'GET')
      fault(['request', 'body'], 'needs method: POST beside it', ['method']);
    if (params.overlap > 0 && !used.has('since')) fault(['overlap'], 'has no meaning: the request holds no {{since}}');
    if (params.format === 'csv' || params.format === 'ndjson')
      for (const path of [['pagination', 'path'], ['pagination', 'more'], ['cursor', 'path'], ['records'], ['layout']])
        if (isGiven(params, path))
          fault(path, `is for answers in JSON, and format is ${params.format}: it holds rows and nothing else`);
    const { kind, parameter } = params.pagination;
    const carrier = carriers[kind];
    if (carrier !== undefined && parameter === undefined && !used.has(carrier))
      fault(['pagination', 'kind'], `needs parameter beside it, or {{${carrier}}} in the request`, ['parameter']);
    if (params.cursor !== undefined && params.cursor.parameter === undefined && !used.has('cursor'))
      fault(['cursor'], 'is not asked for: it needs parameter, or {{cursor}} in the request');
  })
  .describe('Any JSON, NDJSON, CSV or GeoJSON API, from config alone (docs/http-source.md).');

/** `params` of type http. */
export type HttpParams = z.output<typeof httpParams>;

/** Is something written there that is not what stands there by itself? */
const isGiven = (params: object, path: readonly string[]): boolean => {
  const value = path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? Object.entries(at).find(([name]) => name === key)?.[1] : undefined,
    params,
  );
  return value !== undefined && value !== 'rows';
};

/** What carries the place of a page in the request, where no parameter does. */
const carriers: Readonly<Record<string, TemplateName | undefined>> = { cursor: 'next', page: 'page', offset: 'offset' };

/** Why a template has no value; null when it has one. */
const whatLacks = (
  name: TemplateName,
  { pagination: { kind }, cursor }: Pick<HttpParams, 'pagination' | 'cursor'>,
): string | null => {
  switch (name) {
    case 'since':
    case 'until':
      return null;
    case 'cursor':
      return cursor?.initial === undefined
        ? 'needs cursor with initial: the first request has nothing else to send'
        : null;
    case 'page':
    case 'offset':
      return kind === name ? null : `needs pagination of kind ${name}`;
    case 'next':
      return kind === 'cursor' ? null : 'needs pagination of kind cursor';
  }
};

/** Every text of a request that may hold templates, with its path in `params`. */
export const requestTexts = ({ path, query, headers, body }: HttpParams['request']): readonly RequestText[] => [
  { path: ['request', 'path'], text: path },
  ...textsIn(query, ['request', 'query']),
  ...textsIn(headers, ['request', 'headers']),
  ...textsIn(body, ['request', 'body']),
];

/** The templates that a request holds. */
export const templatesOf = (params: Pick<HttpParams, 'request'>): ReadonlySet<TemplateName> =>
  new Set(requestTexts(params.request).flatMap(({ text }) => namesIn(text)));
