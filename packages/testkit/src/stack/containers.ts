// Redis and Kafka in containers, when a Docker engine answers. testcontainers starts them and its reaper removes them when
// this process dies; their data lies in named volumes whose names are kept in the data directory, so that state survives
// between runs and goes when the data directory goes. Ports are published on the loopback address only.
import { randomBytes } from 'node:crypto';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { waitUntil } from '../wait-until.ts';
import { type ContainerName, readContainerNotes, writeContainerNotes } from './container-notes.ts';
import { graceMs, haveImage, inTime, removeLeftContainers, volumeLabel } from './docker-engine.ts';
import { kafkaVersion } from './kafka-jars.ts';
import { isPortFree, pickPort } from './ports.ts';
import { type Say, withProgress } from './progress.ts';
import { askKafka, askRedis } from './readiness.ts';
import { redisArguments } from './redis-server.ts';
import { singleNodeSettings } from './server-properties.ts';

const redisImage = 'redis:8';
const kafkaImage = `apache/kafka:${kafkaVersion}`;

export interface ContainerContext {
  /** The stack's data directory: keeps the names of the volumes and the port. */
  readonly dataDir: string;
  readonly say: Say;
  readonly signal: AbortSignal;
  /** Flags of Kafka's virtual machine. */
  readonly jvm: readonly string[];
  /** How long a pull or a start may take. Default 300000. */
  readonly timeoutMs?: number;
}

/** A server in a container: where it is, and its volume. */
export interface ContainerServer {
  readonly image: string;
  readonly host: string;
  readonly port: number;
  readonly volume: string;
  /** Stops and removes the container within ten seconds; the volume stays. */
  readonly stop: () => Promise<void>;
}

/** Throws when the image cannot be had or the container does not serve; nothing stays running then. */
export const startRedisContainer = async (context: ContainerContext): Promise<ContainerServer> =>
  startContainer(context, {
    name: 'redis',
    image: redisImage,
    innerPort: 6379,
    dataPath: '/data',
    readyLog: /Ready to accept connections/,
    adapt: (
      container, // Without a password Redis refuses connections from outside, which in a container all are.
    ) => container.withCommand(['redis-server', ...redisArguments({ 'protected-mode': 'no' })]),
    ask: async (host, port) => askRedis(`redis://${host}:${port}`),
  });

/** Throws when the image cannot be had or the container does not serve; nothing stays running then. */
export const startKafkaContainer = async (context: ContainerContext): Promise<ContainerServer> =>
  startContainer(context, {
    name: 'kafka',
    image: kafkaImage,
    innerPort: 9092,
    dataPath: '/var/lib/kafka/data',
    readyLog: /Kafka Server started/,
    adapt: (container, host, port) =>
      container.withEnvironment({ ...kafkaEnvironment(host, port), ...jvmEnvironment(context.jvm) }),
    ask: async (host, port) => askKafka([`${host}:${port}`]),
  });

interface ContainerPlan {
  readonly name: ContainerName;
  readonly image: string;
  readonly innerPort: number;
  readonly dataPath: string;
  readonly readyLog: RegExp;
  readonly adapt: (container: GenericContainer, host: string, port: number) => GenericContainer;
  /** Throws while the server does not serve. */
  readonly ask: (host: string, port: number) => Promise<void>;
}

const startContainer = async (context: ContainerContext, plan: ContainerPlan): Promise<ContainerServer> => {
  const { dataDir, say, signal, timeoutMs = 300_000 } = context;
  const client = await getContainerRuntimeClient();
  const engineHost = client.info.containerRuntime.host;
  const isLocal = engineHost === 'localhost' || engineHost === '127.0.0.1';
  const host = isLocal ? '127.0.0.1' : engineHost;
  await haveImage(client, plan.image, say, signal, timeoutMs);

  const notes = await readContainerNotes(dataDir, plan.name);
  const volume = notes?.volume ?? `stream-manager-${randomBytes(6).toString('hex')}-${plan.name}`;
  if (notes !== null) await removeLeftContainers(client, volume);
  // Kafka tells its clients its own address, so the outer port must be known before the start.
  const port = await pickPort(notes === null ? [] : [notes.port], new Set(), isPortFree);
  await writeContainerNotes(dataDir, plan.name, { volume, port });

  const container = plan
    .adapt(isLocal ? new LoopbackContainer(plan.image) : new GenericContainer(plan.image), host, port)
    .withExposedPorts({ container: plan.innerPort, host: port })
    .withBindMounts([{ source: volume, target: plan.dataPath, mode: 'rw' }])
    .withLabels({ [volumeLabel]: volume })
    .withWaitStrategy(Wait.forLogMessage(plan.readyLog))
    .withStartupTimeout(timeoutMs);

  // A start cannot be called off: when the time is up or the run is ended, the container goes as soon as it is there.
  const started = container.start();
  const stop = async (): Promise<void> => {
    await (await started).stop({ timeout: graceMs });
  };
  try {
    await withProgress(say, `starting the container ${plan.image}`, inTime(started, timeoutMs, signal));
    const probe = async (): Promise<true> => {
      await plan.ask(host, port);
      return true;
    };
    const waiting = waitUntil(`${plan.name} to serve`, probe, { timeoutMs: 60_000, intervalMs: 100, signal });
    await withProgress(say, `waiting for ${plan.name} to serve`, waiting);
  } catch (error) {
    void stop().catch(() => {}); // it never started: nothing to stop
    throw error;
  }
  return { image: plan.image, host, port, volume, stop };
};

/**
 * Publishes its ports on the loopback address, where testcontainers would publish them to the network. (With an engine on
 * another machine, or when we are in a container ourselves, the loopback address is not ours: then it cannot be used.)
 */
class LoopbackContainer extends GenericContainer {
  protected override async beforeContainerCreated(): Promise<void> {
    // dockerode gives this map of lists no type.
    const bindings = (this.hostConfig.PortBindings ?? {}) as Record<string, readonly object[]>;
    this.hostConfig.PortBindings = Object.fromEntries(
      Object.entries(bindings).map(([port, list]) => [port, list.map((entry) => ({ ...entry, HostIp: '127.0.0.1' }))]),
    );
  }
}

/** The image has one variable for the heap and one for the rest; what it sets itself in the second would contradict ours. */
const jvmEnvironment = (jvm: readonly string[]): Record<string, string> => ({
  KAFKA_HEAP_OPTS: jvm.filter((flag) => flag.startsWith('-Xm')).join(' '),
  KAFKA_JVM_PERFORMANCE_OPTS: jvm.filter((flag) => !flag.startsWith('-Xm')).join(' '),
});

/** The settings of `server-properties.ts` in the words of the image, which makes its server.properties from them. */
const kafkaEnvironment = (host: string, port: number): Record<string, string> => {
  const properties: Record<string, string> = {
    'node.id': '1',
    'process.roles': 'broker,controller',
    'controller.quorum.voters': '1@localhost:9093',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': '/var/lib/kafka/data',
    ...singleNodeSettings,
  };
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [`KAFKA_${key.replaceAll('.', '_').toUpperCase()}`, value]),
  );
};
