// Loads the modules that a config names: modes and sources of the user's own. Once, before a process composes its parts.
// What cannot be loaded or is not what it should be is one refusal with all of it; for a disabled source it is a warning.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LoadedConfig } from '../config/load.ts';
import type { Config, SourceConfig } from '../config/schema.ts';
import { modeDecides } from '../config/source-schema.ts';
import { isBuiltInMode } from '../config/source-types.ts';
import { messageOf, StreamManagerError } from '../failures/errors.ts';
import { after } from '../ops/after.ts';
import type { Extensions, OwnSourceModule } from './extensions.ts';
import { type Mode, modeFault } from './mode.ts';

/** A module that is not loaded within this time, in milliseconds, never will be. */
const loadLimitMs = 30_000;

/** What loading gave. */
export interface LoadedExtensions {
  /** The config, with the periods that its own modes decide put in. */
  readonly config: Config;
  readonly extensions: Extensions;
  /** What is wrong with modules of disabled sources, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Loads what a config names, relative to its file. `sources: false` leaves the modules of sources alone: only pollers
 * need them. Throws one `config_invalid` with everything that is wrong.
 */
export const loadExtensions = async (
  loaded: Pick<LoadedConfig, 'config' | 'file'>,
  options: { readonly sources: boolean; readonly loadLimitMs?: number },
): Promise<LoadedExtensions> => {
  const directory = dirname(loaded.file);
  const limitMs = options.loadLimitMs ?? loadLimitMs;
  const refusals: string[] = [];
  const warnings: string[] = [];
  const modes = new Map<string, Mode>();
  const makers = new Map<string, OwnSourceModule>();
  const sourceVersions = new Map<string, string>();
  const sources: Record<string, SourceConfig> = {};

  for (const [id, source] of Object.entries(loaded.config.sources)) {
    sources[id] = source;
    const note = (fault: string): void => {
      if (source.enabled) refusals.push(fault);
      else warnings.push(fault);
    };
    if (!isBuiltInMode(source.mode)) {
      const at = `sources.${id}.mode: ${source.mode}`;
      try {
        const mode = modes.get(source.mode) ?? checkedMode(await defaultExport(directory, source.mode, limitMs));
        modes.set(source.mode, mode);
        sources[id] = withPeriod(source, mode);
      } catch (error) {
        note(`${at} ${messageOf(error)}`);
      }
    }
    if (source.type === 'custom' && options.sources) {
      const { module } = source.params;
      try {
        makers.set(id, checkedMaker(await defaultExport(directory, module, limitMs)));
        sourceVersions.set(id, hashOf(await readFile(resolve(directory, module))));
      } catch (error) {
        note(`sources.${id}.params.module: ${module} ${messageOf(error)}`);
      }
    }
  }
  if (refusals.length > 0)
    throw new StreamManagerError(
      'config_invalid',
      `${refusals.join('\n')}\nCorrect the module or its path, or set enabled: false.`,
    );
  return { config: { ...loaded.config, sources }, extensions: { modes, sources: makers, sourceVersions }, warnings };
};

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url');

const defaultExport = async (directory: string, path: string, limitMs: number): Promise<unknown> => {
  const file = resolve(directory, path);
  const loading: Promise<unknown> = import(pathToFileURL(file).href);
  const late = Promise.withResolvers<never>();
  const cancel = after(limitMs, () => late.reject(new Error(`is not loaded after ${limitMs / 1000} s (${file})`)));
  try {
    const loaded = await Promise.race([
      loading.catch((cause: unknown) => {
        throw new Error(`cannot be loaded (${file})`, { cause });
      }),
      late.promise,
    ]);
    const exported = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
    if (exported === undefined) throw new Error(`has no default export (${file})`);
    return exported;
  } finally {
    cancel();
  }
};

const checkedMode = (value: unknown): Mode => {
  const fault = modeFault(value);
  if (fault !== null)
    throw new Error(`is no mode: its default export ${fault.startsWith('must') ? '' : 'is wrong: '}${fault}`);
  // Looked at field by field just above.
  return value as Mode;
};

const checkedMaker = (value: unknown): OwnSourceModule => {
  if (typeof value !== 'function')
    throw new Error(`is no source: its default export must be a function that makes one, found ${typeof value}`);
  // What it gives is looked at when it is called.
  return value as OwnSourceModule;
};

const withPeriod = (source: SourceConfig, mode: Mode): SourceConfig => {
  if (source.everyMs !== modeDecides) return source;
  if (mode.defaultEveryMs === undefined)
    throw new Error(`has no defaultEveryMs: give the source every or cron, or the mode ${mode.name} a defaultEveryMs`);
  return { ...source, everyMs: mode.defaultEveryMs };
};
