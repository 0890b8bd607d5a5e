// The request of one page, from the config's templates and where the poll is. Worked out once as far as it can be.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { isSecretPath } from '@stream-manager/shared/config/secret-keys';
import { headerValuePattern } from '@stream-manager/shared/config/source-params/auth';
import { type HttpParams, requestTexts, templatesOf } from '@stream-manager/shared/config/source-params/http';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { secretsOf } from '../../http/access.ts';
import type { HttpRequest } from '../../http/http-client.ts';
import { acceptOf } from './answer-format.ts';
import { jsonTemplateOf, type TemplateValues, templateOf } from './fill-in.ts';
import { createHiddenTexts } from './hidden-texts.ts';
import type { Place } from './place.ts';

/** A source of type http. */
export type HttpSource = Extract<ResolvedSource, { readonly type: 'http' }>;

/** Composes the requests of a source. */
export interface RequestComposer {
  /** Throws `response_unreadable` when what an earlier answer gave cannot be put into a header. */
  compose(place: Place, values: TemplateValues): HttpRequest;
  /** The address of a next page as it may be kept: without any secret that the config puts into addresses. */
  readonly withoutSecrets: (url: URL) => string;
  /** What must not stand in an error. */
  readonly secrets: readonly string[];
}

type Query = readonly (readonly [name: string, value: string])[];

/** `variables`: what came into the config from the environment, which may be secret whatever it is called there. */
export const createRequestComposer = (source: HttpSource, variables: readonly string[] = []): RequestComposer => {
  const { params, baseUrl } = source;
  const { request, pagination, cursor } = params;
  const path = templateOf(request.path);
  const parameters: Query = Object.entries(request.query).flatMap(([name, given]) =>
    (Array.isArray(given) ? given : [given]).map((value) => [name, String(value)] as const),
  );
  const query = parameters.map(([name, text]) => [name, templateOf(text)] as const);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, templateOf(value)] as const);
  const body = bodyOf(request);
  const texts = requestTexts(request).map(({ text }) => text);
  const used = templatesOf(params);
  const put = variables.filter((value) => texts.some((text) => text.includes(value)));
  const hidden = createHiddenTexts(put);
  const secretQuery = [...parameters, ...new URLSearchParams(request.path.split('?').slice(1).join('?'))].filter(
    ([name, value]) => isSecretPath([name]) && !value.includes('{{'),
  );
  // A name says whether it is a secret; a template is none.
  const secretHeaders = Object.entries({ ...source.headers, ...request.headers })
    .filter(([name, value]) => isSecretPath([name]) && !value.includes('{{'))
    .map(([, value]) => value);
  const credential = secretQuery[0]?.[1] ?? secretHeaders[0] ?? null;
  const hiddenNames = [
    ...secretQuery.map(([name]) => name),
    ...(source.auth?.type === 'query' ? [source.auth.name] : []),
  ];
  const { pageQuery, cursorQuery } = ownParameters(pagination, cursor);
  // What holds the time of a poll, or a place in its pages, is never asked for again: or its next page would be lost
  // sight of, when an answer that says "nothing new" brings no link.
  const isRepeatable =
    pagination.kind === 'none' && !used.has('since') && !used.has('until') && request.method === 'GET';

  const first = (values: TemplateValues): URL => {
    const url = new URL(path(values, encodeURIComponent), baseUrl);
    if (url.origin !== new URL(baseUrl).origin)
      throw new StreamManagerError('config_invalid', `params.request.path leads away from ${baseUrl}`);
    const filled: Query = query.map(([name, value]) => [name, value(values)]);
    for (const [name, value] of [...filled, ...pageQuery(values), ...cursorQuery(values)])
      url.searchParams.append(name, value);
    return url;
  };

  return {
    compose: (place, values) => {
      const url = place.kind === 'link' ? new URL(hidden.show(place.url), baseUrl) : first(values);
      if (place.kind === 'link') for (const [name, value] of secretQuery) url.searchParams.append(name, value);
      const filled = headers.map(([name, value]) => [name, oneLine(name, value(values))] as const);
      return {
        url,
        method: request.method,
        accept: acceptOf[params.format],
        credential,
        headers: { ...body.headers, ...Object.fromEntries(filled) },
        isRepeatable,
        ...(body.text === null ? {} : { body: body.text(values) }),
      };
    },
    withoutSecrets: (url) => {
      const kept = new URL(url);
      for (const name of hiddenNames) kept.searchParams.delete(name);
      return hidden.hide(`${kept.pathname}${kept.search}`);
    },
    secrets: [...secretQuery.map(([, value]) => value), ...put, ...secretHeaders, ...secretsOf(source)],
  };
};

/** Query parameters of pagination and cursor that the config names by themselves. */
const ownParameters = (
  { kind, parameter, sizeParameter, size }: HttpParams['pagination'],
  cursor: HttpParams['cursor'],
): {
  readonly pageQuery: (values: TemplateValues) => Query;
  readonly cursorQuery: (values: TemplateValues) => Query;
} => {
  const one = (name: string | undefined, value: string | number | null): Query =>
    name === undefined || value === null ? [] : [[name, String(value)]];
  const placeOf = (values: TemplateValues): string | number | null => {
    if (kind === 'cursor') return values.next;
    return kind === 'page' ? values.page : kind === 'offset' ? values.offset : null;
  };
  return {
    pageQuery: (values) => [...one(parameter, placeOf(values)), ...one(sizeParameter, size ?? null)],
    cursorQuery: (values) => one(cursor?.parameter, values.cursor),
  };
};

interface Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: ((values: TemplateValues) => string) | null;
}

const bodyOf = ({ body, headers }: HttpParams['request']): Body => {
  if (body === undefined) return { headers: {}, text: null };
  if (typeof body !== 'string') {
    const template = jsonTemplateOf(body);
    return { headers: { 'content-type': 'application/json' }, text: (values) => JSON.stringify(template(values)) };
  }
  const named = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  const type = named ?? 'text/plain; charset=utf-8';
  const template = templateOf(body);
  return {
    headers: named === undefined ? { 'content-type': type } : {},
    text: (values) => template(values, escapeFor(type)),
  };
};

/** What is put into a text must not end it: it may come from an answer. */
const escapeFor = (contentType: string): ((text: string) => string) | undefined => {
  if (/json/i.test(contentType)) return (text) => JSON.stringify(text).slice(1, -1);
  return /urlencoded/i.test(contentType) ? encodeURIComponent : undefined;
};

const oneLine = (name: string, value: string): string => {
  if (headerValuePattern.test(value)) return value;
  throw new StreamManagerError(
    'response_unreadable',
    `what an answer gave for the header ${name} of the next request is no line that a header can hold`,
  );
};
