// Where the fixtures of a config lie: `fixtures/<source id>.json` beside it.
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const directoryOf = (configFile: string): string => join(dirname(configFile), 'fixtures');

/** The file of a source's fixture. */
export const fixturePath = (configFile: string, sourceId: string): string =>
  join(directoryOf(configFile), `${sourceId}.json`);

/** Ids of the sources that have a fixture, sorted; none when there is no such directory. */
export const fixtureIds = async (configFile: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(directoryOf(configFile));
    return names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : [])).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
};
