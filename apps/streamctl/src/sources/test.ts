// `streamctl sources test SOURCE`: polls a source once, touching no queue, and shows what would become of its rows. A source
// whose records come by themselves is listened to (mqtt), or it is shown how to send to it (push).
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import type { Fixture } from '@stream-manager/poller-worker/preview/fixture';
import { listenAtBroker } from '@stream-manager/poller-worker/preview/listen-at-broker';
import { type Look, lookAtSource } from '@stream-manager/poller-worker/preview/look-at-source';
import { loadExtensions } from '@stream-manager/shared/extensions/load';
import { type ChosenConfig, chooseConfig } from '../config/choose-config.ts';
import { fixturePath } from '../config/fixture-files.ts';
import { jsonText } from '../json-text.ts';
import { oneSource, parseOptions } from '../parse-options.ts';
import type { CommandContext } from '../terminal.ts';
import { unknownSource } from '../unknown-source.ts';
import { UsageError } from '../usage-error.ts';
import { showPush } from './push.ts';
import { renderHeard } from './render-heard.ts';
import { renderLook } from './render-look.ts';

/** How long a source of type mqtt is listened to, in milliseconds. */
const listenMs = 10_000;

const readTime = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new UsageError(`--since is "${text}": expected a time such as 2026-11-24T00:00:00Z`);
  if (ms > now) throw new UsageError(`--since is "${text}", which lies in the future`);
  return ms;
};

const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const lookAsJson = ({ window, preview, exchanges }: Look): string =>
  jsonText({
    since: isoOf(window.sinceMs),
    until: isoOf(window.untilMs),
    ...preview,
    exchanges: exchanges.map(({ body: _body, ...rest }) => rest),
  });

/** Runs the command; gives the exit code. */
export const testSource = async (args: readonly string[], context: CommandContext): Promise<number> => {
  const { values, positionals } = parseOptions(args, {
    config: { type: 'string' },
    since: { type: 'string' },
    save: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  const sourceId = oneSource(positionals);
  const sinceMs = readTime(values.since, Date.now());
  const chosen = await chooseConfig(values.config, context);
  const { sources } = chosen.config;
  const entry = Object.hasOwn(sources, sourceId) ? sources[sourceId] : undefined;
  if (entry === undefined) throw unknownSource(sourceId, Object.keys(sources));
  // Only its own modules: those of others may lack theirs, too.
  const alone = {
    ...chosen,
    config: { ...chosen.config, sources: { [sourceId]: { ...entry, enabled: true } } },
  };
  const { config, extensions } = await loadExtensions(alone, { sources: true });
  const { variables, env } = chosen;
  const { signal } = context;
  const from = { config, extensions, variables, sourceId, env, signal };

  if (entry.type === 'push' || entry.type === 'mqtt') {
    const pointless = values.save ? '--save' : sinceMs === undefined ? null : '--since';
    if (pointless !== null)
      throw new UsageError(`${pointless}: the records of ${sourceId} come by themselves (${entry.type})`);
  }
  if (entry.type === 'push') return showPush({ ...entry, id: sourceId }, context, values);
  if (entry.type === 'mqtt') {
    context.notice(`listening for ${listenMs / 1_000} s with a session of its own; Ctrl-C ends it\n`);
    const heard = await listenAtBroker({ ...from, listenMs });
    context.out(values.json ? jsonText(heard) : renderHeard(heard, context.width));
    return heard.preview.error === null && heard.refused.length === 0 ? 0 : 1;
  }

  const look = await lookAtSource({ ...from, ...(sinceMs === undefined ? {} : { sinceMs }) });
  context.out(values.json ? lookAsJson(look) : renderLook(look, context.width));
  const isSaved = !values.save || (await save(look, chosen, sourceId, context));
  return look.preview.error === null && isSaved ? 0 : 1;
};

/** Keeps the answers; false: they are not worth it. */
const save = async (
  { fixture, preview }: Look,
  { file: configFile }: ChosenConfig,
  sourceId: string,
  { notice, cwd }: CommandContext,
): Promise<boolean> => {
  if (typeof fixture === 'string') {
    notice(`nothing is saved: ${fixture}\n`);
    return false;
  }
  const file = fixturePath(configFile, sourceId);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, jsonText(fixture));
  notice(`saved as ${relative(cwd, file)}; \`config test\` polls it again\n`);
  const difference = differenceOf(fixture, preview);
  if (difference !== null)
    notice(`what is saved comes to something else, since secrets are cut from it: ${difference}\n`);
  return true;
};

/** What comes of the saved answers and did not come of the real ones. */
const differenceOf = ({ expected }: Fixture, { records, error }: Look['preview']): string | null => {
  if ((expected.error?.code ?? null) !== (error?.code ?? null))
    return `it ends with ${expected.error?.code ?? 'no error'}, not with ${error?.code ?? 'none'}`;
  return expected.recordCount === records.length ? null : `${expected.recordCount} records, not ${records.length}`;
};
