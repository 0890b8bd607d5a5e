// All processes in one serve the poller's routes beside the scheduler's: who pushes records needs a token and no login.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from '@stream-manager/shared/ops/start-process';
import { describe, expect, inject, it } from 'vitest';
import { composeStreamManager } from '../src/compose.ts';

describe('the stream manager', () => {
  it('takes pushed records by their token, and shows nothing else without a login', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'manager-'));
    const configPath = join(dir, 'stream.json');
    const name = `test-${randomBytes(6).toString('hex')}`;
    const config = {
      redis: { url: inject('redisUrl'), keyPrefix: name },
      kafka: { brokers: inject('kafkaBrokers') },
      routing: { default: name },
      sources: { plant: { type: 'push', topic: name, params: { token: 'a-token-of-24-characters', id: 'id' } } },
    };
    await writeFile(configPath, JSON.stringify(config));
    const running = await startProcess({
      role: 'stream-manager',
      compose: composeStreamManager,
      env: { DASHBOARD_PASSWORD: 'a password', LOG_LEVEL: 'silent' },
      cwd: dir,
      configPath,
      secrets: 'required',
      defaultPort: 0,
      signal: new AbortController().signal,
    });
    try {
      const push = (token: string) =>
        fetch(`${running.url}/ingest/plant`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: '[{"id":1,"level":3}]',
        });
      const taken = await push('a-token-of-24-characters');
      expect([taken.status, await taken.json()]).toEqual([202, { accepted: 1, duplicates: 0, invalid: 0 }]);
      expect((await push('another-token')).status).toBe(401);
      expect((await fetch(`${running.url}/api/streams`)).status).toBe(401);
    } finally {
      await running.stop();
      await rm(dir, { recursive: true, force: true });
    }
  }, 120_000);
});
