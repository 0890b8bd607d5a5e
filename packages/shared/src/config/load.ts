// Loads a config: file → tree → keys in camelCase → environment over it → variables put in → schema. Each step adds what
// it finds to one list; with anything in it the load ends in one ConfigError that holds all of it.
import { readFile, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, relative, resolve } from 'node:path';
import { anchorPaths } from './anchor-paths.ts';
import { ConfigError, type ConfigIssue } from './config-error.ts';
import { crossWarnings } from './cross-checks.ts';
import { formatConfigIssue } from './format-config-error.ts';
import { printPath } from './key-spelling.ts';
import { locate } from './locate.ts';
import { normaliseKeys } from './normalise-keys.ts';
import { notYetWarnings } from './not-yet.ts';
import { applyOverrides, type Environment } from './overrides.ts';
import { fileLimits, nowhere, parseFile } from './parse-file.ts';
import { shortestSecret } from './redact.ts';
import { type Config, configSchema } from './schema.ts';
import { type SecretsMode, substitute } from './substitute.ts';
import { createSuggest } from './suggest-key.ts';
import { validate } from './validate.ts';
import { configVersion } from './version.ts';

export type LoadOptions = {
  /** The config file; unset: `STREAM_CONFIG` of `env`, else `stream.yaml` in `cwd`. */
  readonly path?: string | undefined;
  /** Environment variables; `process.env` outside tests. */
  readonly env: Environment;
  /** Directory that relative paths start from. */
  readonly cwd: string;
  /** `required` in processes that poll; `optional` in all others, which then hold none of the sources' secrets that are not set. */
  readonly secrets: SecretsMode;
};

export type LoadedConfig = {
  readonly config: Config;
  /** 12 hexadecimal digits; the same in every process that runs this config. */
  readonly version: string;
  /** Absolute path of the file. */
  readonly file: string;
  /** What is allowed and still worth a word, one line each, without secrets. */
  readonly warnings: readonly string[];
  /** What came from the environment into requests and options, where no name says that it is a secret. Never printed. */
  readonly variables: readonly string[];
};

const suffixes = new Set(['.yaml', '.yml', '.json']);

/** Loads and checks a config. Throws ConfigError with everything that is wrong, and nothing else. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const file = chooseFile(options);
  const name = displayName(file, options.cwd);
  const parsed = parseFile(await readText(file, name, options), name);
  if (parsed.tree === undefined) throw new ConfigError(parsed.issues);
  if (parsed.tree.kind !== 'map')
    throw new ConfigError([
      {
        ...nowhere(name),
        message: 'must be a map of config sections',
        expected: 'a map',
        found: `a ${parsed.tree.kind}`,
      },
    ]);

  const normalised = normaliseKeys(parsed.tree, configSchema, [], createSuggest(configSchema));
  const overridden = applyOverrides(normalised.tree, configSchema, options.env);
  const filled = substitute(overridden.tree, configSchema, options.env, options.secrets);
  const { config, issues } = validate(filled.tree, filled);
  const all = [...parsed.issues, ...normalised.issues, ...overridden.issues, ...filled.issues, ...issues];
  if (all.length > 0 || config === undefined) throw new ConfigError(inOrder(all));

  const warnings = [...crossWarnings(config), ...notYetWarnings(filled.tree)].map(({ path, message }) =>
    formatConfigIssue({ ...locate(filled.tree, path), path: printPath(path), message, expected: '', found: '' }),
  );
  return {
    config: anchorPaths(config, dirname(file)),
    version: configVersion(filled.tree),
    file,
    warnings,
    variables: filled.variables.filter((value) => value.length >= shortestSecret),
  };
}

function chooseFile({ path, env, cwd }: LoadOptions): string {
  const named = [path, env.STREAM_CONFIG].find((candidate) => candidate !== undefined && candidate !== '');
  return resolve(cwd, named ?? 'stream.yaml');
}

const displayName = (file: string, cwd: string): string => {
  const below = relative(cwd, file);
  return below === '' || below.startsWith('..') || isAbsolute(below) ? file : below;
};

/** The file's text, or one clear error. */
async function readText(file: string, name: string, options: LoadOptions): Promise<string> {
  const refuse = (message: string, found: string): ConfigError =>
    new ConfigError([
      { ...nowhere(name), message, expected: 'a readable file that ends in .yaml, .yml or .json', found },
    ]);
  if (!suffixes.has(extname(file).toLowerCase()) && !(await isDirectory(file)))
    throw refuse('must end in .yaml, .yml or .json', extname(file) === '' ? 'no suffix' : extname(file));
  try {
    const info = await stat(file);
    if (info.isDirectory()) throw refuse('is a directory: name a file in it', 'a directory');
    if (info.size > fileLimits.bytes) throw refuse(`is larger than ${fileLimits.bytes} bytes`, `${info.size} bytes`);
    const bytes = await readFile(file);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (error instanceof TypeError) throw refuse('is not encoded as UTF-8', 'other bytes');
    throw refuse(readingFault(error, options), codeOf(error));
  }
}

const isDirectory = async (file: string): Promise<boolean> => {
  try {
    return (await stat(file)).isDirectory();
  } catch {
    // Missing or unreadable: reading it will say so.
    return false;
  }
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'an error';

function readingFault(error: unknown, { path, env }: LoadOptions): string {
  const code = codeOf(error);
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return `cannot be read (${code}): check that this user may read it`;
  if (path !== undefined && path !== '') return 'does not exist: check the path';
  if (env.STREAM_CONFIG !== undefined && env.STREAM_CONFIG !== '') return 'does not exist: check STREAM_CONFIG';
  return 'does not exist, and no other config was named: copy config/stream.example.yaml to stream.yaml and fill it in, or set STREAM_CONFIG to the path of yours';
}

const inOrder = (issues: readonly ConfigIssue[]): readonly ConfigIssue[] =>
  [...issues].sort((a, b) => Number(a.line === 0) - Number(b.line === 0) || a.line - b.line || a.column - b.column);
