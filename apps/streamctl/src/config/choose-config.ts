// Which config a command that needs one works with: the one that is named, else the one of a running `npm start`.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type LoadedConfig, loadConfig } from '@stream-manager/shared/config/load';
import { dataDirectory, readRunningConfig } from '@stream-manager/shared/ops/data-directory';
import type { CommandContext } from '../terminal.ts';

/** A config, and the environment that its variables were taken from. */
export interface ChosenConfig extends LoadedConfig {
  readonly env: CommandContext['env'];
}

const exists = async (file: string): Promise<boolean> => {
  try {
    await access(file);
    return true;
  } catch {
    // Or it is unreadable, which whoever reads it says.
    return false;
  }
};

/**
 * Loads the config that `--config` or STREAM_CONFIG names, else `stream.yaml`, else the one that `npm start` runs, with its
 * simulated providers; a notice says so. Secrets may be missing. Throws ConfigError.
 */
export const chooseConfig = async (
  named: string | undefined,
  { env, cwd, notice }: Pick<CommandContext, 'env' | 'cwd' | 'notice'>,
): Promise<ChosenConfig> => {
  const load = async (path: string | undefined, variables: CommandContext['env']): Promise<ChosenConfig> => ({
    // Other sources may lack theirs.
    ...(await loadConfig({ path, env: variables, cwd, secrets: 'optional' })),
    env: variables,
  });
  const isNamed = (named ?? '') !== '' || (env['STREAM_CONFIG'] ?? '') !== '';
  if (isNamed || (await exists(join(cwd, 'stream.yaml')))) return load(named, env);
  const running = await readRunningConfig(dataDirectory(env));
  if (running === null) return load(undefined, env);
  notice(`no --config, STREAM_CONFIG or stream.yaml: the config of the running \`npm start\` it is, ${running.path}\n`);
  return load(running.path, { ...env, ...running.variables });
};
