import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@stream-manager/shared/config/load';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { type LoadedExtensions, loadExtensions } from '@stream-manager/shared/extensions/load';
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';

/** Files of one test; the config is `stream.yaml` among them. */
const openDirectory = async (files: Readonly<Record<string, string>>) => {
  const directory = await mkdtemp(join(tmpdir(), 'sm-extensions-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return {
    directory,
    load: async (options: { sources?: boolean; loadLimitMs?: number } = {}): Promise<LoadedExtensions> => {
      const loaded = await loadConfig({ path: 'stream.yaml', env: {}, cwd: directory, secrets: 'optional' });
      return loadExtensions(loaded, { sources: true, ...options });
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
};

const custom = (lines = ''): string =>
  `sources:\n  mine:\n    type: custom\n    params: { module: ./source.ts, options: { word: hello } }\n${lines}`;

const source = `import type { Something } from './not-there.ts';
export default (given: { options: { word: string } }) => ({ word: given.options.word, poll() {}, parseRow() {} });
export type Kept = Something;`;

const mode = (fields: string): string =>
  `export default { name: 'mine', windowOf: () => ({ sinceMs: null, untilMs: 0 }), ${fields} };`;

describe('modules of the user’s own', () => {
  it('are loaded from beside the config, as TypeScript or JavaScript', async () => {
    await using files = await openDirectory({
      'stream.yaml': custom('    mode: ./mode.mjs\n'),
      'source.ts': source,
      'mode.mjs': mode('defaultEveryMs: 7000'),
    });
    const { config, extensions, warnings } = await files.load();
    expect(warnings).toEqual([]);
    expect(extensions.modes.get('./mode.mjs')).toMatchObject({ name: 'mine' });
    expect(extensions.sources.get('mine')?.({ options: { word: 'hello' } })).toMatchObject({ word: 'hello' });
    expect(resolveSource(config, 'mine')).toMatchObject({ periodMs: 7_000, everyMs: 7_000, mode: './mode.mjs' });
  });

  it('of sources have the version of their file', async () => {
    const versions = [];
    for (const text of [source, source, `${source}\n`]) {
      await using files = await openDirectory({ 'stream.yaml': custom(), 'source.ts': text });
      versions.push((await files.load()).extensions.sourceVersions?.get('mine'));
    }
    expect(versions[0]).toMatch(/^[\w-]{43}$/);
    expect(versions[1]).toBe(versions[0]);
    expect(versions[2]).not.toBe(versions[0]);
  });

  it('leave the period alone that the source names itself', async () => {
    await using files = await openDirectory({
      'stream.yaml': custom('    mode: ./mode.mjs\n    every: 3s\n'),
      'source.ts': source,
      'mode.mjs': mode('defaultEveryMs: 7000'),
    });
    expect(resolveSource((await files.load()).config, 'mine').periodMs).toBe(3_000);
  });

  it('of sources are left alone where nothing is polled', async () => {
    await using files = await openDirectory({ 'stream.yaml': custom() });
    expect((await files.load({ sources: false })).extensions.sources.size).toBe(0);
  });

  it.each([
    { name: 'is not there', files: {}, says: './source.ts cannot be loaded' },
    { name: 'is no TypeScript', files: { 'source.ts': 'export default {' }, says: './source.ts cannot be loaded' },
    {
      name: 'throws while it loads',
      files: { 'source.ts': 'throw new Error("no licence");' },
      says: 'no licence',
    },
    { name: 'exports nothing', files: { 'source.ts': 'export const a = 1;' }, says: 'has no default export' },
    { name: 'exports no function', files: { 'source.ts': 'export default {};' }, says: 'must be a function' },
  ])('of a source that $name is refused by name', async ({ files, says }) => {
    await using directory = await openDirectory({ 'stream.yaml': custom(), ...files });
    const error: unknown = await directory.load().catch((thrown: unknown) => thrown);
    expect(codeOf(error)).toBe('config_invalid');
    expect(messageOf(error)).toContain(says);
    expect(messageOf(error)).toContain('sources.mine.params.module');
  });

  it.each([
    { name: 'is no mode', text: 'export default () => {};', says: 'is no mode' },
    { name: 'has no period, beside a source that names none', text: mode(''), says: 'give the source every or cron' },
  ])('of a mode that $name is refused by name', async ({ text, says }) => {
    await using files = await openDirectory({
      'stream.yaml': custom('    mode: ./mode.mjs\n'),
      'source.ts': source,
      'mode.mjs': text,
    });
    const error: unknown = await files.load().catch((thrown: unknown) => thrown);
    expect(codeOf(error)).toBe('config_invalid');
    expect(messageOf(error)).toContain(`sources.mine.mode: ./mode.mjs`);
    expect(messageOf(error)).toContain(says);
  });

  it('that never end loading are refused after a while', async () => {
    await using files = await openDirectory({
      'stream.yaml': custom(),
      'source.ts': 'await new Promise((resolve) => setTimeout(resolve, 1e6).unref()); export default 1;',
    });
    await expect(files.load({ loadLimitMs: 50 })).rejects.toThrow('is not loaded after 0.05 s');
  });

  it('of a disabled source are a warning', async () => {
    await using files = await openDirectory({ 'stream.yaml': custom('    enabled: false\n    mode: ./mode.mjs\n') });
    const { warnings, extensions } = await files.load();
    expect(warnings).toEqual([
      expect.stringContaining('sources.mine.mode: ./mode.mjs cannot be loaded'),
      expect.stringContaining('sources.mine.params.module: ./source.ts cannot be loaded'),
    ]);
    expect(extensions.sources.size).toBe(0);
  });
});

describe('the config', () => {
  it.each([
    { lines: 'mode: night-only', says: 'or the path of a module of your own' },
    { lines: 'mode: ./night-only.txt', says: 'or the path of a module of your own' },
    { lines: 'mode: realtime', says: 'Did you mean "real-time"?' },
  ])('takes no $lines', async ({ lines, says }) => {
    await using files = await openDirectory({ 'stream.yaml': custom(`    ${lines}\n`) });
    const error: unknown = await files.load().catch((thrown: unknown) => thrown);
    expect(messageOf(error)).toContain(says);
  });

  it('takes no custom source without a module', async () => {
    await using files = await openDirectory({
      'stream.yaml': 'sources:\n  mine:\n    type: custom\n    params: { module: my-source }\n',
    });
    const error: unknown = await files.load().catch((thrown: unknown) => thrown);
    expect(messageOf(error)).toContain('expected the path of a module');
  });
});
