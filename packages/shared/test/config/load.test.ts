import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatConfigError } from '@stream-manager/shared/config/format-config-error';
import { loadConfig } from '@stream-manager/shared/config/load';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadText, refusalOf, smallSource } from './config-file.ts';

describe('where the file is', () => {
  let cwd = '';
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'config-test-'));
  });
  afterEach(async () => {
    await rm(cwd, { recursive: true, force: true });
  });

  const load = (path: string | undefined, env = {}) => loadConfig({ path, env, cwd, secrets: 'required' });
  const messageOf = async (path: string | undefined, env = {}): Promise<string> =>
    formatConfigError(await refusalOf(load(path, env)));

  it('is the path that is given, before STREAM_CONFIG, before stream.yaml', async () => {
    for (const name of ['given', 'env', 'stream'])
      await writeFile(join(cwd, `${name}.yaml`), `redis: { keyPrefix: ${name} }`);
    const env = { STREAM_CONFIG: 'env.yaml' };
    expect((await load('given.yaml', env)).config.redis.keyPrefix).toBe('given');
    expect((await load(undefined, env)).config.redis.keyPrefix).toBe('env');
    expect((await load(undefined, { STREAM_CONFIG: '' })).config.redis.keyPrefix).toBe('stream');
    const loaded = await load(join(cwd, 'env.yaml'));
    expect(loaded.file).toBe(join(cwd, 'env.yaml'));
  });

  it('says what to do when there is none', async () => {
    expect(await messageOf(undefined)).toBe(
      'stream.yaml  does not exist, and no other config was named: copy config/stream.example.yaml to stream.yaml and fill it in, or set STREAM_CONFIG to the path of yours',
    );
    expect(await messageOf(undefined, { STREAM_CONFIG: '/nowhere/x.yaml' })).toBe(
      '/nowhere/x.yaml  does not exist: check STREAM_CONFIG',
    );
    expect(await messageOf('x.yaml')).toBe('x.yaml  does not exist: check the path');
    await writeFile(join(cwd, 'file'), '');
    expect(await messageOf('file/a.yaml')).toBe('file/a.yaml  does not exist: check the path');
  });

  it.each([
    {
      name: 'a directory',
      make: (at: string) => mkdir(at),
      path: 'dir',
      says: 'dir  is a directory: name a file in it',
    },
    {
      name: 'a wrong suffix',
      make: (at: string) => writeFile(at, 'a: 1'),
      path: 'stream.toml',
      says: 'stream.toml  must end in .yaml, .yml or .json',
    },
    {
      name: 'no suffix',
      make: (at: string) => writeFile(at, 'a: 1'),
      path: 'stream',
      says: 'stream  must end in .yaml, .yml or .json',
    },
    { name: 'an empty file', make: (at: string) => writeFile(at, ''), path: 'a.yaml', says: 'a.yaml  is empty' },
    {
      name: 'bytes that are no UTF-8',
      make: (at: string) => writeFile(at, Uint8Array.of(0x61, 0x3a, 0x20, 0xff)),
      path: 'a.yaml',
      says: 'a.yaml  is not encoded as UTF-8',
    },
    {
      name: 'a file that is too large',
      make: (at: string) => writeFile(at, '#'.repeat(4 * 1024 * 1024 + 1)),
      path: 'a.yml',
      says: 'a.yml  is larger than 4194304 bytes',
    },
    {
      name: 'a list',
      make: (at: string) => writeFile(at, '[1]'),
      path: 'a.json',
      says: 'a.json  must be a map of config sections',
    },
    {
      name: 'a single value',
      make: (at: string) => writeFile(at, 'hello'),
      path: 'a.yaml',
      says: 'a.yaml  must be a map of config sections',
    },
  ])('$name is one clear error', async ({ make, path, says }) => {
    await make(join(cwd, path));
    const message = await messageOf(path);
    expect(message).toContain(says);
    expect(message.split('\n')).toHaveLength(1);
  });

  it('that cannot be read is one clear error', async () => {
    // Not a matter of rights, which root has all of: a link to itself can be read by no one.
    await symlink('a.yaml', join(cwd, 'a.yaml'));
    expect(await messageOf('a.yaml')).toBe('a.yaml  cannot be read (ELOOP): check that this user may read it');
  });
});

describe('warnings', () => {
  it.each([
    { text: 'redis: {}', says: 'nothing will be polled' },
    { text: `${smallSource}    enabled: false`, says: 'stream.yaml:2:1  sources  all sources are disabled' },
    {
      text: `routing: { custom: { Firms: a } }\n${smallSource}`,
      says: 'stream.yaml:1:29  routing.custom.Firms  there is no source "Firms". Did you mean "firms"?',
    },
    {
      text: `topics: { wildfire.iot_sensors: {}, wildfire_iot.sensors: {} }\n${smallSource}`,
      says: 'differs from topic "wildfire.iot_sensors" only in "." and "_"',
    },
    {
      text: `${smallSource}    topic: a.b\nrouting: { default: a_b }`,
      says: 'sources.firms.topic  topic "a.b" differs from topic "a_b"',
    },
  ])('$says', async ({ text, says }) => {
    const { warnings } = await loadText(text);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(says);
  });

  it('name thresholds that cross at some rates', async () => {
    const { warnings } = await loadText(`throttling: { targetConsumerLag: 6000 }\n${smallSource}`);
    expect(warnings).toEqual([expect.stringContaining('the higher of the two then counts as critical')]);
  });

  it('are none for a config without doubts', async () => {
    expect((await loadText(smallSource)).warnings).toEqual([]);
  });
});
