import { describe, expect, it } from 'vitest';
import { type Given, loadText } from './config-file.ts';

const base = `
redis: { url: redis://:pw1@host:1 }
sources:
  firms:
    type: nasa-firms
    every: \${EVERY}
    params: { mapKey: "\${KEY}", bbox: [1, 2, 3, 4] }
`;
const env = { EVERY: '5m', KEY: 'first' };

const versionOf = async (text: string, given: Given = {}): Promise<string> =>
  (await loadText(text, { env, ...given })).version;

describe('the version of a config', () => {
  it('is 12 hexadecimal digits', async () => {
    expect(await versionOf(base)).toMatch(/^[0-9a-f]{12}$/);
  });

  it.each([
    {
      name: 'format, comments, spelling and order of keys',
      text: `{"sources": {"firms": {"params": {"bbox": [1,2,3,4], "map_key": "\${KEY}"}, "every": "\${EVERY}", "type": "nasa-firms"}}, "redis": {"url": "redis://:pw1@host:1"}} # c`,
    },
    { name: 'the secrets that a process has', given: { env: { ...env, KEY: 'second' } } },
    { name: 'secrets that a process lacks', given: { env: { EVERY: '5m' }, secrets: 'optional' as const } },
    { name: 'values of variables in sources', given: { env: { ...env, EVERY: '6m' } } },
    { name: 'a password', text: base.replace('pw1', 'pw2') },
    { name: 'variables that have nothing to do with it', given: { env: { ...env, PATH: '/bin' } } },
  ])('does not depend on $name', async ({ text = base, given = {} }) => {
    expect(await versionOf(text, given)).toBe(await versionOf(base));
  });

  it.each([
    { name: 'a value', text: base.replace('4]', '5]') },
    { name: 'a key more', text: `${base}queue: { maxRecords: 10000 }` },
    { name: 'an override', given: { env: { ...env, STREAM__QUEUE__MAX_RECORDS: '77' } } },
    { name: 'REDIS_URL', given: { env: { ...env, REDIS_URL: 'redis://other:1' } } },
    { name: 'the name of a variable', text: base.replace('KEY', 'EVERY') },
    { name: 'the type of a value', text: `${base}topics: { a: { config: { b: "1" } } }` },
  ])('depends on $name', async ({ text = base, given = {} }) => {
    expect(await versionOf(text, given)).not.toBe(await versionOf(base));
  });

  it('is the same whether a key was written or came from the environment', async () => {
    const written = await versionOf(`${base}queue: { maxRecords: 77 }`);
    expect(await versionOf(base, { env: { ...env, STREAM__QUEUE__MAXRECORDS: '77' } })).toBe(written);
  });

  it('does not tell a secret that is written in the file or in an override', async () => {
    const literal = base.replace('"${KEY}"', 'first');
    expect(await versionOf(literal)).toBe(await versionOf(literal.replace('first', 'second')));
    const override = (value: string) => ({ env: { ...env, STREAM__SOURCES__FIRMS__PARAMS__MAPKEY: value } });
    expect(await versionOf(base, override('first'))).toBe(await versionOf(base, override('second')));
  });
});
