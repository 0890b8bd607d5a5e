// `streamctl config test`: checks the config, and polls every fixture beside it again, without network: what a source makes
// of a known answer must not change unnoticed.
import { readFile } from 'node:fs/promises';
import { differencesOf, readFixture } from '@stream-manager/poller-worker/preview/fixture';
import { replayFixture } from '@stream-manager/poller-worker/preview/look-at-source';
import type { FromConfig } from '@stream-manager/poller-worker/preview/source-alone';
import type { Config } from '@stream-manager/shared/config/schema';
import { loadExtensions } from '@stream-manager/shared/extensions/load';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { parseOptions } from '../parse-options.ts';
import type { CommandContext } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { chooseConfig } from './choose-config.ts';
import { fixtureIds, fixturePath } from './fixture-files.ts';

/** Differences that are shown of one fixture. */
const shownDifferences = 20;

/** What is wrong with one fixture, a line each. */
const testFixture = async (
  from: FromConfig & { readonly config: Config },
  file: string,
  sourceId: string,
): Promise<readonly string[]> => {
  try {
    const fixture = readFixture(await readFile(fixturePath(file, sourceId), 'utf8'));
    if (typeof fixture === 'string') return [`the fixture cannot be read: ${fixture}`];
    return differencesOf(fixture.expected, await replayFixture({ ...from, sourceId, fixture }));
  } catch (error) {
    return [messageOf(error)];
  }
};

/** Runs the command; gives the exit code. Throws a ConfigError for a bad config, `config_invalid` for a module that cannot be loaded. */
export const testConfig = async (
  args: readonly string[],
  context: Pick<CommandContext, 'env' | 'cwd' | 'out' | 'notice'>,
): Promise<number> => {
  const { values, positionals } = parseOptions(args, { config: { type: 'string' } });
  const chosen = await chooseConfig(values.config, context);
  const { file, variables } = chosen;
  const loaded = await loadExtensions(chosen, { sources: true });
  for (const warning of [...chosen.warnings, ...loaded.warnings]) context.out(`warning: ${warning}\n`);
  const saved = await fixtureIds(file);
  const missing = positionals.filter((id) => !saved.includes(id));
  if (missing.length > 0)
    throw new UsageError(`no fixture for ${missing.join(', ')}: \`sources test SOURCE --save\` makes one`);
  const ids = positionals.length > 0 ? positionals : saved;
  let failed = 0;
  for (const id of ids) {
    const differences = await testFixture({ ...loaded, variables }, file, id);
    if (differences.length > 0) failed += 1;
    context.out(`${differences.length === 0 ? 'ok    ' : 'FAILED'}  ${id}\n`);
    for (const line of differences.slice(0, shownDifferences)) context.out(`        ${line}\n`);
    if (differences.length > shownDifferences)
      context.out(`        … and ${differences.length - shownDifferences} more differences\n`);
  }
  const counts = `${ids.length - failed} fixtures passed, ${failed} failed`;
  context.out(`the config is right: ${Object.keys(loaded.config.sources).length} sources; ${counts}\n`);
  return failed === 0 ? 0 : 1;
};
