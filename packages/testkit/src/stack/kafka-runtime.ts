// What runs a Kafka broker, from wherever this machine can have it.
import { chooseKafka, type JavaWay } from './choose-ways.ts';
import { type JarContext, kafkaJars } from './kafka-jars.ts';
import { lookForKafka } from './look-around.ts';
import type { Say } from './progress.ts';
import { javaFromPypi, type Program } from './pypi.ts';
import { StackError } from './stack-error.ts';

/** What runs a broker: a Java and the directory of Kafka's jars. */
export interface KafkaRuntime {
  readonly java: Program;
  readonly jars: string;
}

/** Java and the jars for this way, fetched when they are not here. Throws a `StackError` `unavailable`. */
export const kafkaRuntime = async ({ java, jars }: JavaWay, context: JarContext): Promise<KafkaRuntime> => {
  const [program, directory] = await Promise.all([
    java === null ? javaFromPypi(context) : { path: java.path, label: `${java.label} (${java.path})` },
    kafkaJars(context, jars),
  ]);
  return { java: program, jars: directory };
};

/** The runtime for a broker on this machine, Docker or not. Throws a `StackError` `unavailable`. */
export const localKafkaRuntime = async (context: {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly say: Say;
  readonly signal: AbortSignal | undefined;
}): Promise<KafkaRuntime> => {
  const seen = await lookForKafka(context.env, context.cacheDir, false);
  const { ways, closed } = chooseKafka({ ...seen, kafkaBrokers: null });
  for (const way of ways) {
    if (way.way !== 'java') continue;
    const python = seen.python.found ? seen.python.path : null;
    const maven = seen.maven.found ? seen.maven.path : null;
    return kafkaRuntime(way, { ...context, python, maven });
  }
  throw new StackError('unavailable', `no local Kafka can be had: ${closed.join('; ')}`);
};
