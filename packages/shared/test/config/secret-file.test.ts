// Values from files: NAME_FILE for ${NAME}, and for the variables that lie over the config.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issuesOf, loadText } from './config-file.ts';

const text = `
sources:
  firms:
    type: nasa-firms
    params: { mapKey: "\${KEY}", bbox: [-124, 32, -114, 42] }
`;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'secret-file-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const fileWith = async (content: string | Uint8Array): Promise<string> => {
  const path = join(directory, `secret-${Math.random()}`);
  await writeFile(path, content);
  return path;
};

describe('a variable from a file', () => {
  it.each([
    { name: 'a line', content: 'from-a-file\n', value: 'from-a-file' },
    { name: 'a line of Windows', content: 'from-a-file\r\n', value: 'from-a-file' },
    { name: 'no line break', content: 'from-a-file', value: 'from-a-file' },
    { name: 'spaces and lines inside, of which only the last break goes', content: ' a\nb \n\n', value: ' a\nb \n' },
    { name: 'what looks like a variable', content: '${OTHER}', value: '${OTHER}' },
  ])('is its text without its last line break: $name', async ({ content, value }) => {
    const { config } = await loadText(text, { env: { KEY_FILE: await fileWith(content), OTHER: 'x' } });
    expect(config.sources.firms).toMatchObject({ params: { mapKey: value } });
  });

  it('does not count when the variable itself is set', async () => {
    const { config } = await loadText(text, { env: { KEY: 'own', KEY_FILE: '/no/such/file' } });
    expect(config.sources.firms).toMatchObject({ params: { mapKey: 'own' } });
  });

  it('counts when the variable itself is empty', async () => {
    const { config } = await loadText(text, { env: { KEY: '', KEY_FILE: await fileWith('a') } });
    expect(config.sources.firms).toMatchObject({ params: { mapKey: 'a' } });
  });

  it.each([
    { name: 'is missing', file: async () => '/no/such/s3cret', says: 'names a file that cannot be read (ENOENT)' },
    { name: 'is a directory', file: async () => directory, says: 'names a file that cannot be read (EISDIR)' },
    { name: 'is empty', file: () => fileWith('\n'), says: 'names an empty file' },
    { name: 'is large', file: () => fileWith('s3cret'.repeat(20_000)), says: 'names a file of more than 65536 bytes' },
    {
      name: 'is no text',
      file: () => fileWith(Buffer.from([0x73, 0xff])),
      says: 'names a file that is not encoded as UTF-8',
    },
  ])('is an error with the name of the variable only, when it $name', async ({ file, says }) => {
    const path = await file();
    const issues = await issuesOf(text, { env: { KEY_FILE: path } });
    expect(issues).toMatchObject([{ line: 5, path: 'sources.firms.params.mapKey' }]);
    expect(issues[0]?.message).toContain(`the environment variable KEY_FILE ${says}`);
    expect(JSON.stringify(issues)).not.toContain('s3cret');
  });

  it('that cannot be read stays open in a process that needs no secrets, and in a disabled source', async () => {
    const env = { KEY_FILE: '/no/such/file' };
    for (const loaded of [
      await loadText(text, { env, secrets: 'optional' }),
      await loadText(text.replace('params', 'enabled: false\n    params'), { env }),
    ])
      expect(loaded.config.sources.firms).toMatchObject({ params: { mapKey: '${KEY}' } });
  });
});

describe('a file over the config', () => {
  it('stands for REDIS_URL and for any STREAM__ variable', async () => {
    const env = {
      REDIS_URL_FILE: await fileWith('redis://from-a-file:1\n'),
      STREAM__KAFKA__BROKERS_FILE: await fileWith('[a:1, b:2]\n'),
      STREAM__SOURCES__FIRMS__PARAMS__MAP_KEY_FILE: await fileWith('key-of-file\n'),
    };
    const { config } = await loadText(text, { env });
    expect([config.redis.url, config.kafka.brokers]).toEqual(['redis://from-a-file:1', ['a:1', 'b:2']]);
    expect(config.sources.firms).toMatchObject({ params: { mapKey: 'key-of-file' } });
  });

  it('does not count beside the variable itself', async () => {
    const env = {
      KEY: 'k',
      REDIS_URL: 'redis://own:1',
      REDIS_URL_FILE: '/no/such/file',
      STREAM__REDIS__KEY_PREFIX: 'own',
      STREAM__REDIS__KEY_PREFIX_FILE: '/no/such/file',
    };
    const { config } = await loadText(text, { env });
    expect(config.redis).toMatchObject({ url: 'redis://own:1', keyPrefix: 'own' });
  });

  it.each([
    { variable: 'REDIS_URL_FILE', path: 'redis.url' },
    { variable: 'STREAM__KAFKA__CLIENT_ID_FILE', path: 'kafka.clientId' },
  ])('that cannot be read is an error: $variable', async ({ variable, path }) => {
    const issues = await issuesOf(text, { env: { KEY: 'k', [variable]: '/no/such/s3cret' } });
    expect(issues).toMatchObject([{ file: `environment variable ${variable}`, path }]);
    expect(issues[0]?.message).toContain('names a file that cannot be read (ENOENT)');
    expect(JSON.stringify(issues)).not.toContain('s3cret');
  });

  it('is none under a name that means no key', async () => {
    const issues = await issuesOf(text, { env: { KEY: 'k', STREAM__REDIS__PASSWORT_FILE: '/no/such/file' } });
    expect(issues[0]?.message).toContain('no such key in the config');
  });
});
