// Looks at the machine: which programs are on the PATH, whether they are recent enough, whether a Docker engine answers,
// what lies in the cache. Nothing is started or fetched; a question that gets no answer counts as "not there".
import { isCached } from './cache.ts';
import {
  type ForcedWay,
  forcedWays,
  type KafkaSurroundings,
  type RedisSurroundings,
  type Sighting,
} from './choose-ways.ts';
import { findDocker } from './find-docker.ts';
import { findJava, findMaven, findPython, findRedisServer } from './find-programs.ts';
import { kafkaJarsEntry } from './kafka-jars.ts';
import { javaEntry, valkeyEntry } from './pypi.ts';
import { StackError } from './stack-error.ts';

type Env = NodeJS.ProcessEnv;

/** What is there for Redis. `withDocker: false` leaves the engine alone (servers of drills are always local). */
export const lookForRedis = async (env: Env, cacheDir: string, withDocker: boolean): Promise<RedisSurroundings> => {
  const redisUrl = env['REDIS_URL'] ? env['REDIS_URL'] : null;
  const isGiven = redisUrl !== null;
  const [docker, redisServer, python] = await Promise.all([
    withDocker && !isGiven ? findDocker(env) : notLookedFor,
    isGiven ? notLookedFor : findRedisServer(env),
    isGiven ? notLookedFor : findPython(env),
  ]);
  const isValkeyCached = isCached(cacheDir, valkeyEntry);
  return { forced: forcedBy(env), platform: process.platform, redisUrl, docker, redisServer, python, isValkeyCached };
};

/** What is there for Kafka. */
export const lookForKafka = async (env: Env, cacheDir: string, withDocker: boolean): Promise<KafkaSurroundings> => {
  const brokers = (env['KAFKA_BROKERS'] ?? '').split(',').map((broker) => broker.trim());
  const kafkaBrokers = brokers.some((broker) => broker !== '') ? brokers.filter((broker) => broker !== '') : null;
  const isGiven = kafkaBrokers !== null;
  const [docker, java, maven, python] = await Promise.all([
    withDocker && !isGiven ? findDocker(env) : notLookedFor,
    isGiven ? notLookedFor : findJava(env),
    isGiven ? notLookedFor : findMaven(env),
    isGiven ? notLookedFor : findPython(env),
  ]);
  return {
    forced: forcedBy(env),
    platform: process.platform,
    kafkaBrokers,
    docker,
    java,
    maven,
    python,
    isJavaCached: isCached(cacheDir, javaEntry),
    areJarsCached: isCached(cacheDir, kafkaJarsEntry),
  };
};

const notLookedFor: Sighting = { found: false, why: 'not looked for' };

const forcedBy = (env: Env): ForcedWay | null => {
  const value = env['STREAM_STACK'];
  if (value === undefined || value === '') return null;
  const forced = forcedWays.find((way) => way === value);
  if (forced === undefined) {
    throw new StackError('invalid', `STREAM_STACK must be one of ${forcedWays.join(', ')}; it is "${value}"`);
  }
  return forced;
};
