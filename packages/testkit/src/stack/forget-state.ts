// What `--fresh` and the end of an ephemeral stack remove: the servers' directories and the volumes of containers.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { notedVolumes, removeContainerNotes } from './container-notes.ts';
import { endLeftover } from './leftover.ts';
import type { Say } from './progress.ts';

/** Removes what earlier runs left, but not under the feet of a server that is still being ended by its guard. */
export const forgetState = async (dataDir: string, say: Say, signal: AbortSignal): Promise<void> => {
  for (const name of ['redis', 'kafka']) {
    await endLeftover(name, join(dataDir, name), say, signal);
    await rm(join(dataDir, name), { recursive: true, force: true });
  }
  await forgetVolumes(dataDir, say);
};

/** Volumes can only be removed through the engine; without one they stay, named, and are forgotten here. */
export const forgetVolumes = async (dataDir: string, say: Say): Promise<void> => {
  const volumes = await notedVolumes(dataDir);
  if (volumes.length > 0) {
    const { removeVolumes } = await import('./docker-engine.ts');
    await removeVolumes(volumes).catch((error: unknown) => {
      say(`docker: these volumes stay behind: ${volumes.join(', ')}: ${messageOf(error)}`);
    });
  }
  for (const name of ['redis', 'kafka'] as const) await removeContainerNotes(dataDir, name);
};
