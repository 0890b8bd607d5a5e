// A Kafka 4.1 node of one's own, broker and controller in one process (KRaft): the stack's, or one that a drill kills,
// freezes and starts again. Several of them, told of each other by `config`, make a cluster.
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { kafkaVersion } from './kafka-jars.ts';
import { type KafkaRuntime, localKafkaRuntime } from './kafka-runtime.ts';
import { formatOnce, newClusterId } from './kafka-storage.ts';
import { createLocalServer, type LocalServer, startOnOwnPorts } from './local-server.ts';
import { cacheDirOf } from './places.ts';
import { isPortFree, pickPort } from './ports.ts';
import { type Say, withProgress } from './progress.ts';
import { askKafka } from './readiness.ts';
import { runCommand } from './run-command.ts';
import { serverProperties } from './server-properties.ts';

export interface KafkaBrokerOptions {
  /** Directory of this node alone; made when missing. What lies in it is used again. */
  readonly dir: string;
  /** Ports of the clients' and the controllers' listener. Default: those of the last run when free, else free ones. */
  readonly port?: number;
  readonly controllerPort?: number;
  /** Default 1. */
  readonly nodeId?: number;
  /** Nodes of one cluster share it (22 characters, from `newClusterId`). Default: a new one. Counts at the first start. */
  readonly clusterId?: string;
  /** Settings of server.properties that win over ours. */
  readonly config?: Readonly<Record<string, string>>;
  /** Flags of the virtual machine. Default `quickJvm`; `STREAM_KAFKA_JVM` (blank-separated) wins over both. */
  readonly jvm?: readonly string[];
  /** Default: silent. */
  readonly say?: Say;
  /** Default: see `places.ts`. */
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the start. */
  readonly signal?: AbortSignal;
  /** Default: Java and the jars from this machine, else from PyPI and by Maven coordinates. */
  readonly runtime?: KafkaRuntime;
}

export interface KafkaBroker extends LocalServer {
  /** `['127.0.0.1:PORT']` */
  readonly brokers: readonly string[];
  readonly port: number;
  readonly controllerPort: number;
  readonly clusterId: string;
  /** What runs, for messages: `Kafka 4.1.0 on Java 17.0.15`. */
  readonly label: string;
}

/** For brokers that live for a test: the least work to start (1.5 instead of 2.3 CPU seconds, measured). */
export const quickJvm: readonly string[] = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
/** For brokers that carry load: compiled to the end. */
export const sustainedJvm: readonly string[] = ['-Xmx512m', '-XX:+UseSerialGC'];

/**
 * Starts a node on 127.0.0.1 and resolves when it answers a client's metadata request. (The last nodes of a cluster that
 * is stopped find no quorum to take leave of and use up the grace time of ten seconds; SIGKILL first saves that.)
 * Throws a `StackError` (`unavailable`: Java or the jars cannot be had; `in_use`: a live run has `dir`) or an Error with the
 * end of the broker's log; nothing stays running then.
 */
export const startKafkaBroker = async (options: KafkaBrokerOptions): Promise<KafkaBroker> => {
  const { nodeId = 1, config = {}, say = () => {}, env = process.env, signal } = options;
  const dir = resolve(options.dir);
  const cacheDir = options.cacheDir ?? cacheDirOf(env);
  const runtime = options.runtime ?? (await localKafkaRuntime({ env, cacheDir, say, signal }));
  const jvm = [...(jvmFlagsOf(env) ?? options.jvm ?? quickJvm), ...loggingFlags];
  const java = [...jvm, '-cp', join(runtime.jars, '*')];
  const propertiesFile = join(dir, 'server.properties');
  const portsFile = join(dir, 'ports.json');
  const dataDir = join(dir, 'data');
  let ports: readonly [number, number] | null = null;
  let clusterId = options.clusterId ?? newClusterId();

  const choosePorts = async (): Promise<readonly [number, number]> => {
    const [lastPort, lastControllerPort] = await readPorts(portsFile);
    const port = options.port ?? (await pickPort(lastPort, new Set(), isPortFree));
    const taken = new Set([port]);
    return [port, options.controllerPort ?? (await pickPort(lastControllerPort, taken, isPortFree))];
  };

  const server = createLocalServer({
    name: 'kafka',
    dir,
    env,
    say,
    prepare: async (startSignal) => {
      ports ??= await choosePorts();
      await writeFile(portsFile, JSON.stringify(ports));
      const address = { nodeId, port: ports[0], controllerPort: ports[1] };
      await writeFile(propertiesFile, serverProperties(address, dataDir, config));
      const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', propertiesFile];
      clusterId = await formatOnce(dir, dataDir, clusterId, async () => {
        const work = runCommand(runtime.java.path, [...java, ...format], {
          env,
          signal: startSignal,
          timeoutMs: 60_000,
        });
        await withProgress(say, 'preparing the data directory of Kafka', work);
      });
      return { command: runtime.java.path, args: [...java, 'kafka.Kafka', propertiesFile] };
    },
    ask: async () => askKafka([`127.0.0.1:${ports?.[0] ?? 0}`], clusterId),
  });

  const arePortsOurs = options.port === undefined || options.controllerPort === undefined;
  await startOnOwnPorts(server, signal, async () => {
    const isTaken = ports !== null && !((await isPortFree(ports[0])) && (await isPortFree(ports[1])));
    if (isTaken) ports = null;
    return isTaken && arePortsOurs;
  });
  const [port, controllerPort]: readonly [number, number] = ports ?? [0, 0];
  return {
    get pid() {
      return server.pid;
    },
    start: server.start,
    kill: server.kill,
    stop: server.stop,
    brokers: [`127.0.0.1:${port}`],
    port,
    controllerPort,
    clusterId,
    label: `Kafka ${kafkaVersion} on ${runtime.java.label}`,
  };
};

const loggingFlags: readonly string[] = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
];

const jvmFlagsOf = (env: NodeJS.ProcessEnv): readonly string[] | null => {
  const flags = env['STREAM_KAFKA_JVM']?.trim();
  return flags ? flags.split(/\s+/) : null;
};

const readPorts = async (file: string): Promise<readonly [readonly number[], readonly number[]]> => {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  try {
    const [port, controllerPort] = JSON.parse(text) as unknown[]; // what is no list cannot be taken apart and throws
    return [portList(port), portList(controllerPort)];
  } catch {
    return [[], []]; // cut off by a kill: free ports are chosen
  }
};

const portList = (value: unknown): readonly number[] =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536 ? [value] : [];
