// One stack for a whole test run. vitest calls this for each project that has files in the run (int, e2e) and never for
// unit tests alone; the first call starts the stack and provides the addresses to all, the second finds them there.
// Tests get them by `inject('redisUrl')` and `inject('kafkaBrokers')`. With REDIS_URL and KAFKA_BROKERS set, those are used.
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownerOf } from '@stream-manager/testkit/stack/claim-directory';
import { quickJvm } from '@stream-manager/testkit/stack/kafka-broker';
import { startStack } from '@stream-manager/testkit/stack/stack';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** `redis://…` of the run's Redis. Each test keeps to key names of its own. */
    redisUrl: string;
    /** `HOST:PORT` of the run's Kafka. Each test keeps to topics and groups of its own. */
    kafkaBrokers: string[];
  }
}

const directoryPrefix = 'stream-manager-test-';

export default async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const root = project.vitest.getRootProject();
  if ('redisUrl' in root.getProvidedContext()) return undefined;
  await removeLeftDirectories();
  const dataDir = await mkdtemp(join(tmpdir(), directoryPrefix));
  // vitest exits at once on a signal, without a teardown: the servers then end by themselves, but not their files.
  process.once('exit', () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 }));
  const say = (line: string): void => project.vitest.logger.log(`stack: ${line}`);
  const stack = await startStack({ dataDir, ephemeral: true, say, jvm: quickJvm });
  root.provide('redisUrl', stack.redisUrl);
  root.provide('kafkaBrokers', [...stack.kafkaBrokers]);
  return stack.stop;
};

/** A run that was killed could not remove its directory. One without an owner may be a run that is just starting. */
const removeLeftDirectories = async (): Promise<void> => {
  const hourMs = 3_600_000;
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(directoryPrefix)) continue;
    const directory = join(tmpdir(), name);
    // Another run may remove it meanwhile: then it counts as young, and nothing is done.
    const ageMs = await stat(directory).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (ageMs > hourMs && (await ownerOf(directory)) === null) await rm(directory, { recursive: true, force: true });
  }
};
