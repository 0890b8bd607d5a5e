import { secretValues } from '@stream-manager/shared/config/redact';
import { describe, expect, it } from 'vitest';
import { loadText } from './config-file.ts';

const text = `
redis: { url: "redis://me:p%40ssword@host:1" }
kafka: { sasl: { mechanism: plain, username: me, password: kafka-password } }
routing: { custom: { firms: topic-a } }
sources:
  firms:
    type: nasa-firms
    headers: { User-Agent: me@example.org, Authorization: Bearer 123456 }
    partitionKey: data.satellite
    params: { mapKey: "\${KEY}", bbox: [1, 2, 3, 4] }
  air: { type: purpleair, params: { apiKey: "\${OPEN}", bbox: [1, 2, 3, 4] } }
  push: { type: push, params: { token: "\${TOKEN}" } }
`;
const env = { KEY: 'value-of-key', TOKEN: 'value-of-the-token' };

describe('secretValues', () => {
  it('lists the secrets of a config, passwords of addresses as written and as meant, and no open variables', async () => {
    const loaded = await loadText(text, { env, secrets: 'optional' });
    expect(new Set(secretValues(loaded))).toEqual(
      new Set(['p%40ssword', 'p@ssword', 'kafka-password', 'Bearer 123456', 'value-of-key', 'value-of-the-token']),
    );
  });

  it('lists every secret of auth and tls, in the form in which it is sent too, and not the path of a key', async () => {
    const params = '{ area: CA }';
    const source = (id: string, access: string): string =>
      `  ${id}: { type: noaa-alerts, params: ${params}, ${access} }`;
    const pem = '-----BEGIN PRIVATE KEY-----\\nabc\\n-----END PRIVATE KEY-----';
    const loaded = await loadText(
      [
        'sources:',
        source('a', 'auth: { type: header, name: X-Key, value: value-of-header }'),
        source('b', 'auth: { type: query, name: key, value: value-of-query }'),
        source('c', 'auth: { type: basic, username: me, password: value-of-password }'),
        source('d', 'auth: { type: bearer, token: value-of-token }'),
        source(
          'e',
          'auth: { type: oauth2, tokenUrl: "https://login.example/token", clientId: client, clientSecret: client-secret }',
        ),
        source('f', 'tls: { cert: a.pem, key: a-key.pem, passphrase: the-passphrase }'),
        source('g', `tls: { cert: a.pem, key: "${pem}" }`),
      ].join('\n'),
    );
    expect(new Set(secretValues(loaded))).toEqual(
      new Set([
        'value-of-header',
        'value-of-query',
        'value-of-password',
        Buffer.from('me:value-of-password').toString('base64'),
        'value-of-token',
        'client-secret',
        'the-passphrase',
        pem.replaceAll('\\n', '\n'),
      ]),
    );
  });

  it('lists what came from the environment into a request or into options, whatever it is called there', async () => {
    const http = `{ path: "/v1/\${PART}/x?k=\${OTHER}", query: { q: "\${QUERY}", list: ["\${LISTED}"] }, headers: { X-A: "\${SENT}" } }`;
    const loaded = await loadText(
      [
        'sources:',
        `  a: { type: http, baseUrl: "https://\${HOST}", params: { request: ${http}, time: t, id: id } }`,
        `  b: { type: custom, params: { module: ./b.ts, options: { who: "\${OPTION}" } } }`,
        `  c: { type: noaa-alerts, params: { area: "\${AREA}" } }`,
      ].join('\n'),
      {
        env: {
          PART: 'part-of-path',
          OTHER: 'other-value',
          QUERY: 'query-value',
          LISTED: 'listed-value',
          SENT: 'sent-value',
          HOST: 'api.example.org',
          OPTION: 'option-value',
          AREA: 'CA,NV,OR',
        },
      },
    );
    const values = ['part-of-path', 'other-value', 'query-value', 'listed-value', 'sent-value', 'option-value'];
    expect(new Set(secretValues(loaded))).toEqual(new Set(values));
    expect(new Set(loaded.variables)).toEqual(new Set(values));
  });

  it('lists the passwords of proxies in the environment', async () => {
    const { config } = await loadText('sources: {}');
    const env = { HTTPS_PROXY: 'http://me:proxy%40password@proxy:3128', http_proxy: 'me:other-password@proxy:1' };
    expect(new Set(secretValues({ config, env }))).toEqual(
      new Set(['proxy%40password', 'proxy@password', 'other-password']),
    );
  });

  it('leaves out texts that are too short to be masked in a log', async () => {
    const loaded = await loadText(text, { env: { ...env, KEY: 'abc' }, secrets: 'optional' });
    expect(secretValues(loaded)).not.toContain('abc');
  });
});
