// Kafka's jars, resolved by their Maven coordinates into the cache: by Maven where it is there, else by jgo from PyPI.
// kafka.md: 45 jars, 43 MB; slf4j-simple is the 46th, because without a logger a broker that fails says nothing.
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cached } from './cache.ts';
import type { JarSource } from './choose-ways.ts';
import { withProgress } from './progress.ts';
import { jgoFromPypi, type PypiContext } from './pypi.ts';
import { runCommand } from './run-command.ts';
import { StackError } from './stack-error.ts';

/** The broker's version; the images of docker-compose.yml and of the containers carry the same. */
export const kafkaVersion = '4.1.0';

const coordinates = [
  { group: 'org.apache.kafka', artifact: 'kafka_2.13', version: kafkaVersion },
  { group: 'org.slf4j', artifact: 'slf4j-simple', version: '1.7.36' },
] as const;

/** The cache entry of the jars; a new logger or resolver changes nothing in it, so only Kafka's version counts. */
export const kafkaJarsEntry = `kafka-${kafkaVersion}-jars`;

export interface JarContext extends PypiContext {
  /** Maven's path; needed for the source `maven` only. */
  readonly maven: string | null;
}

/**
 * Gives the directory with all jars of the broker, fetched from the first source that works.
 * Throws a `StackError` `unavailable` that tells what each source said.
 */
export const kafkaJars = async (context: JarContext, sources: readonly JarSource[]): Promise<string> =>
  cached(context.cacheDir, kafkaJarsEntry, async (directory) => {
    const failures: string[] = [];
    for (const source of sources) {
      const scratch = join(directory, 'scratch');
      try {
        await mkdir(scratch);
        switch (source) {
          case 'cache':
            throw new Error('the jars have vanished from the cache');
          case 'maven':
            await withMaven(context, scratch, directory);
            break;
          case 'jgo':
            await withJgo(context, scratch, directory);
            break;
        }
        await rm(scratch, { recursive: true });
        await checkJars(directory);
        return;
      } catch (error) {
        context.signal?.throwIfAborted();
        const message = `Kafka's jars by ${source}: ${error instanceof Error ? error.message : String(error)}`;
        context.say(message.split('\n', 1)[0] ?? message);
        failures.push(message);
        for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
      }
    }
    throw new StackError('unavailable', failures.join('\n'));
  });

const fetchingJars = `fetching Kafka ${kafkaVersion} (46 jars, 43 MB, once)`;

const withMaven = async (context: JarContext, scratch: string, directory: string): Promise<void> => {
  const { maven, env, say, signal } = context;
  if (maven === null) throw new Error('there is no mvn');
  const dependencies = coordinates.map(
    ({ group, artifact, version }) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  const project =
    '<project><modelVersion>4.0.0</modelVersion><groupId>stack</groupId><artifactId>kafka</artifactId>' +
    `<version>1</version><packaging>pom</packaging><dependencies>${dependencies.join('')}</dependencies></project>\n`;
  await writeFile(join(scratch, 'pom.xml'), project);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${directory}`];
  const work = runCommand(maven, ['-q', '-B', ...goal], { cwd: scratch, env, signal });
  await withProgress(say, `${fetchingJars} with Maven`, work);
};

const withJgo = async (context: JarContext, scratch: string, directory: string): Promise<void> => {
  const { python, say, signal } = context;
  if (python === null) throw new Error('there is no python3');
  const jgo = await jgoFromPypi(context);
  // jgo writes jars in place, so that a killed run would leave cut-off ones: its Maven repository and its cache are
  // therefore ours, and thrown away.
  const env = {
    ...context.env,
    PYTHONPATH: jgo,
    M2_REPO: join(scratch, 'repository'),
    JGO_CACHE_DIR: join(scratch, 'jgo'),
    COLOR: 'plain',
  };
  const wanted = coordinates.map(({ group, artifact, version }) => `${group}:${artifact}:${version}`).join('+');
  const args = ['-m', 'jgo', '--resolver', 'python', '--quiet', 'info', 'classpath', wanted];
  await withProgress(say, `${fetchingJars} with jgo`, runCommand(python, args, { env, signal }));
  // Two folders, `jars` and `modules`: both belong on the class path.
  for (const file of await readdir(join(scratch, 'jgo'), { recursive: true })) {
    if (file.endsWith('.jar')) await rename(join(scratch, 'jgo', file), join(directory, basename(file)));
  }
};

/** The jars without which a resolver has certainly not finished. */
const fewestJars = 40;

const checkJars = async (directory: string): Promise<void> => {
  const jars = (await readdir(directory)).filter((name) => name.endsWith('.jar'));
  if (!jars.includes(`kafka_2.13-${kafkaVersion}.jar`) || jars.length < fewestJars) {
    throw new Error(`only ${jars.length} jars came`);
  }
  for (const jar of jars) {
    if (!(await isWholeZip(join(directory, jar)))) throw new Error(`${jar} is cut off`);
  }
};

/** A zip file ends with a directory whose mark is `PK\5\6`, followed by at most 64 KB of comment. */
const isWholeZip = async (path: string): Promise<boolean> => {
  const { size } = await stat(path);
  const length = Math.min(size, 65_557);
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.includes('PK\u0005\u0006', 0, 'latin1');
  } finally {
    await file.close();
  }
};
