import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { sourceStarter } from '../../../src/config/reference/source-starter.ts';
import { sourceTypes } from '../../../src/config/source-types.ts';

const env = {
  FIRMS_MAP_KEY: 'a-map-key',
  PURPLEAIR_API_KEY: 'a-read-key',
  AIRNOW_API_KEY: 'an-airnow-key',
  MQTT_PASSWORD: 'a-password',
  PUSH_TOKEN: 'a-token-of-some-length',
};

const load = async (text: string) => {
  const directory = await mkdtemp(join(tmpdir(), 'starter-'));
  try {
    const file = join(directory, 'stream.yaml');
    await writeFile(file, text);
    return await loadConfig({ path: file, env, cwd: directory, secrets: 'required' });
  } finally {
    await rm(directory, { recursive: true });
  }
};

describe('the starter of a source type', () => {
  it.each(
    sourceTypes.flatMap((type) => [
      { type, all: false },
      { type, all: true },
    ]),
  )('is a config that loads: $type, all $all', async ({ type, all }) => {
    const { config } = await load(sourceStarter(type, { all }));
    expect(Object.values(config.sources).map((source) => source.type)).toEqual([type]);
  });

  it.each(sourceTypes)('of %s shows more keys with all', (type) => {
    const few = sourceStarter(type, { all: false });
    const all = sourceStarter(type, { all: true });
    expect(all).toContain('# dedupeWindowHours:');
    expect(few).not.toContain('dedupeWindowHours');
  });

  it.each(['mqtt', 'push'] as const)('of %s shows nothing of how a provider is asked', (type) => {
    expect(sourceStarter(type, { all: true })).not.toMatch(
      /# (every|cron|rateLimitPerMinute|baseUrl|cacheTtlSeconds):/,
    );
  });

  it.each(sourceTypes)('of %s loads with any of its defaults written out', async (type) => {
    const lines = sourceStarter(type, { all: true }).split('\n');
    for (const [index, line] of lines.entries()) {
      if (!/^ +# \w+: ./.test(line)) continue;
      const { config } = await load(lines.with(index, line.replace('# ', '')).join('\n'));
      expect(Object.keys(config.sources)).toHaveLength(1);
    }
  });
});
