// `streamctl sources test SOURCE`: polls a source once, touching no queue, and shows what would become of its rows.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { lookAtSource } from '@stream-manager/poller-worker/preview/look-at-source';
import { loadConfig } from '@stream-manager/shared/config/load';
import { loadExtensions } from '@stream-manager/shared/extensions/load';
import { fixturePath } from '../config/fixture-files.ts';
import { oneSource, parseOptions } from '../parse-options.ts';
import type { CommandContext } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { renderLook } from './render-look.ts';

const readTime = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new UsageError(`--since is "${text}": expected a time such as 2026-11-24T00:00:00Z`);
  return ms;
};

/** Runs the command; gives the exit code. */
export const testSource = async (args: readonly string[], context: CommandContext): Promise<number> => {
  const { values, positionals } = parseOptions(args, {
    config: { type: 'string' },
    since: { type: 'string' },
    save: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  const sourceId = oneSource(positionals);
  const sinceMs = readTime(values.since);
  const loaded = await loadConfig({
    path: values.config,
    env: context.env,
    cwd: context.cwd,
    // Other sources may lack theirs.
    secrets: 'optional',
  });
  // Only its own modules: those of others may lack theirs, too.
  const entry = Object.hasOwn(loaded.config.sources, sourceId) ? loaded.config.sources[sourceId] : undefined;
  const alone = {
    ...loaded,
    config: { ...loaded.config, sources: entry === undefined ? {} : { [sourceId]: { ...entry, enabled: true } } },
  };
  const { config, extensions } = await loadExtensions(alone, { sources: true });
  const look = await lookAtSource({
    config: entry === undefined ? loaded.config : config,
    extensions,
    sourceId,
    env: context.env,
    signal: context.signal,
    ...(sinceMs === null ? {} : { window: { sinceMs, untilMs: Date.now() } }),
  });
  context.out(
    values.json
      ? `${JSON.stringify({ ...look.preview, exchanges: look.exchanges.map(({ body, ...rest }) => ({ ...rest, bytes: body?.length ?? 0 })) }, null, 2)}\n`
      : renderLook(look, context.width),
  );
  if (values.save) {
    const file = fixturePath(loaded.file, sourceId);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(look.fixture, null, 2)}\n`);
    context.notice(`saved as ${relative(context.cwd, file)}; \`config test\` polls it again\n`);
  }
  return look.preview.error === null ? 0 : 1;
};
