// A config file for one test, in a directory of its own that is removed afterwards.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, type ConfigIssue } from '@stream-manager/shared/config/config-error';
import { type LoadedConfig, loadConfig } from '@stream-manager/shared/config/load';
import type { Environment } from '@stream-manager/shared/config/overrides';
import type { SecretsMode } from '@stream-manager/shared/config/substitute';

export type Given = { readonly env?: Environment; readonly secrets?: SecretsMode; readonly name?: string };

/** Loads `text` as `stream.yaml` (or under `name`). */
export async function loadText(text: string | Uint8Array, given: Given = {}): Promise<LoadedConfig> {
  const cwd = await mkdtemp(join(tmpdir(), 'config-test-'));
  try {
    const path = given.name ?? 'stream.yaml';
    await writeFile(join(cwd, path), text);
    return await loadConfig({ path, cwd, env: given.env ?? {}, secrets: given.secrets ?? 'required' });
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** The faults of a text that must not load. */
export async function issuesOf(text: string | Uint8Array, given: Given = {}): Promise<readonly ConfigIssue[]> {
  return (await refusalOf(loadText(text, given))).issues;
}

/** The error of a load that must be refused. */
export async function refusalOf(load: Promise<unknown>): Promise<ConfigError> {
  const outcome = await outcomeOf(load);
  if (outcome instanceof ConfigError) return outcome;
  throw new Error('the config was accepted');
}

/** The error of a load that may be refused; undefined when it is accepted. Anything but a ConfigError is thrown. */
export async function outcomeOf(load: Promise<unknown>): Promise<ConfigError | undefined> {
  try {
    await load;
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** A source without which nothing is missing, to stand before what a test is about. */
export const smallSource = `
sources:
  firms:
    type: nasa-firms
    params: { mapKey: abc, bbox: [-124, 32, -114, 42] }
`;
