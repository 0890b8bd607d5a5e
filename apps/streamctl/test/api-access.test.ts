import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeApiAccess, writeApiAccess } from '@stream-manager/shared/ops/data-directory';
import { describe, expect, it } from 'vitest';
import { findApiAccess } from '../src/api-access.ts';

const setup = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'streamctl-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
};

describe('finding the API', () => {
  it('takes what the environment says', async () => {
    const env = { STREAM_API: 'http://127.0.0.1:9', DASHBOARD_USER: 'u', DASHBOARD_PASSWORD: 'p' };
    expect(await findApiAccess(env)).toEqual({ url: 'http://127.0.0.1:9', user: 'u', password: 'p' });
  });

  it('takes what npm start left, which only this user can read, until it ends', async () => {
    await using part = await setup();
    const access = { url: 'http://127.0.0.1:9', user: 'u', password: 'p' };
    await writeApiAccess(part.directory, access);
    expect((await stat(join(part.directory, 'api.json'))).mode & 0o777).toBe(0o600);
    expect(await findApiAccess({ STREAM_DATA_DIR: part.directory })).toEqual(access);
    await removeApiAccess(part.directory);
    await expect(findApiAccess({ STREAM_DATA_DIR: part.directory })).rejects.toThrow(/npm start/);
  });

  it.each([
    { env: { STREAM_API: 'nonsense' }, text: /expected an address/ },
    { env: { STREAM_API: 'http://127.0.0.1:9' }, text: /DASHBOARD_PASSWORD is not/ },
  ])('refuses $env', async ({ env, text }) => {
    await expect(findApiAccess(env)).rejects.toThrow(text);
  });
});
