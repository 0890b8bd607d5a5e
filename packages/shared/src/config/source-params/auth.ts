// `auth` of a source: how its requests say who asks. The secret itself belongs into a variable. Of it nothing goes to
// another host than that of `baseUrl`, whatever a redirect or a link says.
import { z } from 'zod';
import { fieldFacts, formedText, freeText, holdsVariable } from '../fields.ts';

/** Names that HTTP accepts for a header, at most 100 characters. */
export const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

/** What a header may carry: one line. */
export const headerValuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

const secret = (about: string, expects: string) =>
  z
    .string()
    .min(1)
    .max(16_384)
    .refine((value) => holdsVariable(value) || headerValuePattern.test(value), { params: { plain: true } })
    .describe(about)
    .register(fieldFacts, { expects: `${expects} of one line`, example: 'a-secret', freeText: true });

const kind = <const T extends string>(name: T, about: string) => {
  const type = z.literal(name).describe(about);
  fieldFacts.add(type, { expects: name });
  return type;
};

const header = z.strictObject({
  type: kind('header', 'A key in a header.'),
  name: formedText('Name of the header, such as `X-API-Key`.', {
    expects: 'a header name',
    fits: headerNamePattern,
    example: 'X-API-Key',
  }),
  value: secret('Value of the header; from the environment, `"${API_KEY}"`.', 'a header value'),
});

const query = z.strictObject({
  type: kind('query', 'A key in the query of the address.'),
  name: formedText('Name of the parameter, such as `api_key`.', {
    expects: 'a name of a query parameter',
    fits: /^.{1,200}$/,
    example: 'api_key',
  }),
  value: secret('Value of the parameter; from the environment, `"${API_KEY}"`.', 'a value'),
});

const basic = z.strictObject({
  type: kind('basic', 'User and password (HTTP Basic).'),
  username: formedText('User name; without a colon, which would end it.', {
    expects: 'a user name without a colon',
    fits: /^[^:\p{Cc}]{1,1000}$/u,
    example: 'user',
  }),
  // Some providers take a key as the user, and no password.
  password: z
    .string()
    .max(16_384)
    .describe('Password; from the environment, `"${API_PASSWORD}"`. May be empty.')
    .register(fieldFacts, { expects: 'a password', example: 'a-secret', freeText: true }),
});

const bearer = z.strictObject({
  type: kind('bearer', 'A token that does not change: `Authorization: Bearer …`.'),
  token: secret('The token; from the environment, `"${API_TOKEN}"`.', 'a token'),
});

const isTokenAddress = (text: string): boolean => {
  const url = URL.parse(text);
  return (
    url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === ''
  );
};

const oauth2 = z.strictObject({
  type: kind(
    'oauth2',
    'OAuth2 client credentials: tokens are asked for, kept in memory, and renewed before they expire.',
  ),
  tokenUrl: formedText('Address that tokens are asked from.', {
    expects: 'an http or https address without user or password',
    fits: isTokenAddress,
    example: 'https://login.example.org/oauth2/token',
  }),
  clientId: freeText('Client id.', 'a client id'),
  clientSecret: freeText('Client secret; from the environment, `"${CLIENT_SECRET}"`.', 'a client secret'),
  scope: freeText('Scopes, with spaces between them.', 'scopes').optional(),
  audience: freeText('Audience, where the provider wants one.', 'an audience').optional(),
});

/** How the requests of a source say who asks; none when it is absent. */
export const authSchema = z
  .discriminatedUnion('type', [header, query, basic, bearer, oauth2])
  .describe(
    'How requests say who asks, for any type that is asked over HTTP; see below. Sent to the host of `baseUrl` only.',
  )
  .register(fieldFacts, { expects: 'a map with type header, query, basic, bearer or oauth2' })
  .optional();

/** One way of saying who asks. */
export type SourceAuth = NonNullable<z.output<typeof authSchema>>;

/** The settings of OAuth2 client credentials. */
export type OAuth2Settings = Extract<SourceAuth, { readonly type: 'oauth2' }>;
