// What is asked of the Docker engine beside starting containers: images, and the removal of what earlier runs left.
import { getContainerRuntimeClient, ImageName } from 'testcontainers';
import { waitUntil } from '../wait-until.ts';
import { type Say, withProgress } from './progress.ts';

/** How long a container may take to stop, before it is killed. */
export const graceMs = 10_000;

/**
 * Removes these volumes and the containers that earlier runs left on them; what is not there (any more) is no error.
 * Throws when the engine does not answer.
 */
export const removeVolumes = async (volumes: readonly string[]): Promise<void> => {
  const client = await getContainerRuntimeClient();
  for (const volume of volumes) {
    await removeLeftContainers(client, volume);
    await client.container.dockerode.getVolume(volume).remove().catch(ignoreAbsence);
  }
};

/** The containers of this volume: of a run that was killed, when its reaper has not come yet or could not run. */
export const removeLeftContainers = async (client: EngineClient, volume: string): Promise<void> => {
  const { dockerode } = client.container;
  const left = await dockerode.listContainers({ all: true, filters: { label: [`${volumeLabel}=${volume}`] } });
  for (const { Id } of left) {
    const container = dockerode.getContainer(Id);
    await container.stop({ t: graceMs / 1_000 }).catch(ignoreAbsence);
    await container.remove({ v: true, force: true }).catch(ignoreAbsence);
    // The reaper may be at the same container: it has to be gone, whoever removes it.
    await waitUntil(`the container ${Id} to be gone`, async () => container.inspect().then(isFalse, isAbsence));
  }
};

export type EngineClient = Awaited<ReturnType<typeof getContainerRuntimeClient>>;

/** Label of our containers: the volume that holds their data. */
export const volumeLabel = 'stream-manager.volume';

const isFalse = (): boolean => false;

const isAbsence = (error: unknown): boolean =>
  error instanceof Error && 'statusCode' in error && error.statusCode === 404;

/** 304: stopped already; 404: gone already; 409: being removed already. */
const ignoreAbsence = (error: unknown): void => {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
  if (status !== 304 && status !== 404 && status !== 409) throw error;
};

/** Pulls the image when the engine does not have it. Throws when it cannot be had in time. */
export const haveImage = async (
  client: EngineClient,
  image: string,
  say: Say,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<void> => {
  const name = ImageName.fromString(image);
  if (await client.image.exists(name)) return;
  const pulling = client.image.pull(name);
  await withProgress(say, `pulling the image ${image} (once)`, inTime(pulling, timeoutMs, signal));
  // A pull that breaks off half-way ends without an error.
  if (!(await client.image.exists(name))) throw new Error(`the image ${image} could not be pulled`);
};

/** The work's result, or an error when the time is up or the signal aborts; the work itself goes on unheard. */
export const inTime = async <T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> => {
  const timeout = AbortSignal.timeout(timeoutMs);
  const end = AbortSignal.any([signal, timeout]);
  const ended = new Promise<never>((_resolve, reject) => {
    end.addEventListener('abort', () => {
      reject(signal.aborted ? signal.reason : new Error(`not done after ${timeoutMs / 1_000} s`));
    });
    if (end.aborted) reject(end.reason);
  });
  return Promise.race([work, ended]);
};
