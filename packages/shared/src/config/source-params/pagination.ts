// `params.pagination` of type http: how the next page of an answer is found, and which keys each way has.
import { z } from 'zod';
import { choice, fieldFacts, formedText, wholeNumber } from '../fields.ts';
import { fieldPath } from './mapping.ts';

/** Ways of paging. */
export const paginationKinds = ['none', 'link', 'cursor', 'page', 'offset'] as const;
export type PaginationKind = (typeof paginationKinds)[number];

export const queryParameter = (about: string, example: string) =>
  formedText(about, {
    expects: `a name of a query parameter, such as ${example}`,
    fits: /^[^\s&=#?]{1,200}$/,
    example,
  });

/** Keys that only some of the ways have. */
const keysOf: Readonly<Record<PaginationKind, readonly string[]>> = {
  none: [],
  link: ['path', 'maxPages'],
  cursor: ['path', 'parameter', 'more', 'maxPages'],
  page: ['parameter', 'start', 'size', 'sizeParameter', 'more', 'endStatus', 'maxPages'],
  offset: ['parameter', 'start', 'size', 'sizeParameter', 'more', 'endStatus', 'maxPages'],
};

export const pagination = z
  .strictObject({
    kind: choice(
      'How the next page is found. `link`: the answer holds its address (`path`), or a `Link` header with rel="next" does. `cursor`: the answer holds a value for the next request. `page`: pages are counted. `offset`: records are counted.',
      paginationKinds,
    ).default('none'),
    path: fieldPath(
      'link, cursor: where in the answer the next address or value stands. Nothing there: the last page.',
      'meta.next',
    ).optional(),
    parameter: queryParameter(
      'cursor, page, offset: query parameter of the next request. Elsewhere in the request: {{next}}, {{page}} or {{offset}}.',
      'page',
    ).optional(),
    start: wholeNumber('page, offset: the first one. Default: page 1, offset 0.', {
      min: 0,
      max: 1_000_000_000,
    }).optional(),
    size: wholeNumber(
      'page, offset: records of a full page; one with fewer is the last. Without it the last is one without records.',
      {
        min: 1,
        max: 1_000_000,
        unit: 'records',
      },
    ).optional(),
    sizeParameter: queryParameter('page, offset: query parameter that asks for `size`.', 'limit').optional(),
    more: fieldPath(
      'cursor, page, offset: where the answer says whether there is more, as true or false.',
      'has_more',
    ).optional(),
    endStatus: wholeNumber(
      'page, offset: status of a page behind the last one, such as 404. Default: any such status is an error.',
      {
        min: 400,
        max: 499,
      },
    ).optional(),
    maxPages: wholeNumber(
      'Pages that one poll asks for at most. With more the poll fails, what came is kept, and the next poll goes on there.',
      { min: 1, max: 10_000, unit: 'pages' },
    ).default(100),
  })
  .superRefine((given, context) => {
    const own = keysOf[given.kind];
    for (const [key, value] of Object.entries(given)) {
      if (value === undefined || key === 'kind' || key === 'maxPages' || own.includes(key)) continue;
      const kinds = paginationKinds.filter((kind) => keysOf[kind].includes(key));
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `has a meaning only with kind ${kinds.join(' or ')}, and kind is ${given.kind}`,
        params: { involves: ['kind'] },
      });
    }
    if (given.kind === 'cursor' && given.path === undefined)
      context.addIssue({
        code: 'custom',
        path: ['kind'],
        message: 'needs path beside it: where in the answer the value for the next request stands',
        params: { involves: ['path'] },
      });
    if (given.sizeParameter !== undefined && given.size === undefined)
      context.addIssue({
        code: 'custom',
        path: ['sizeParameter'],
        message: 'needs size beside it',
        params: { involves: ['size'] },
      });
  })
  .prefault({})
  .describe('How the next page of an answer is found, and when there is none. Each page is admitted by itself.')
  .register(fieldFacts, { expects: 'a map with kind' });

/** How a source is paged. */
export type Pagination = z.output<typeof pagination>;
