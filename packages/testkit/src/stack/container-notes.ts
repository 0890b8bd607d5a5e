// What the data directory remembers of containers: the volume that holds their data and the port they had. Kept apart
// from containers.ts, so that a run without Docker need not load its client.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const servers = ['redis', 'kafka'] as const;
export type ContainerName = (typeof servers)[number];

export interface ContainerNotes {
  readonly volume: string;
  readonly port: number;
}

/** The notes on one server's container, or null when it never had one. */
export const readContainerNotes = async (dataDir: string, name: ContainerName): Promise<ContainerNotes | null> => {
  const text = await readFile(notesFile(dataDir, name), 'utf8').catch(() => 'null');
  try {
    const { volume, port } = JSON.parse(text) as Record<string, unknown>; // null throws, as any other value that is no object
    return typeof volume === 'string' && typeof port === 'number' ? { volume, port } : null;
  } catch {
    return null; // cut off by a kill: a new volume is made
  }
};

export const writeContainerNotes = async (dataDir: string, name: ContainerName, notes: ContainerNotes): Promise<void> =>
  writeFile(notesFile(dataDir, name), JSON.stringify(notes));

export const removeContainerNotes = async (dataDir: string, name: ContainerName): Promise<void> =>
  rm(notesFile(dataDir, name), { force: true });

/** The names of all volumes that are noted here. */
export const notedVolumes = async (dataDir: string): Promise<readonly string[]> => {
  const notes = await Promise.all(servers.map(async (name) => readContainerNotes(dataDir, name)));
  return notes.flatMap((note) => (note === null ? [] : [note.volume]));
};

const notesFile = (dataDir: string, name: ContainerName): string => join(dataDir, `${name}-container.json`);
