import { describe, expect, it } from 'vitest';
import {
  chooseKafka,
  chooseRedis,
  type KafkaSurroundings,
  type RedisSurroundings,
  refusalText,
  type Sighting,
} from '../../src/stack/choose-ways.ts';

const absent = (why: string): Sighting => ({ found: false, why });
const present = (path: string, label = path): Sighting => ({ found: true, path, label });

const bareMachine: RedisSurroundings & KafkaSurroundings = {
  forced: null,
  platform: 'linux',
  redisUrl: null,
  kafkaBrokers: null,
  docker: absent('no engine runs here'),
  python: absent('no python3 on the PATH'),
  redisServer: absent('no redis-server'),
  java: absent('no java'),
  maven: absent('no mvn'),
  isValkeyCached: false,
  isJavaCached: false,
  areJarsCached: false,
};
const docker = present('/var/run/docker.sock');
const python = present('/usr/bin/python3');
const redisServer = present('/usr/bin/redis-server', 'redis-server 7.0.15');
const java = present('/usr/bin/java', 'Java 17');
const maven = present('/usr/bin/mvn');

const onPath = { way: 'path', path: '/usr/bin/redis-server', label: 'redis-server 7.0.15' };
const ownJava = { path: '/usr/bin/java', label: 'Java 17' };

describe('chooseRedis', () => {
  it.each<{ name: string; seen: Partial<RedisSurroundings>; ways: readonly unknown[] }>([
    { name: 'a bare machine: none', seen: {}, ways: [] },
    {
      name: 'an address that is given, whatever else is there',
      seen: { redisUrl: 'redis://h:1', docker, redisServer, python, forced: 'docker' },
      ways: [{ way: 'given', url: 'redis://h:1' }],
    },
    {
      name: 'Docker first, then the PATH',
      seen: { docker, redisServer, python },
      ways: [{ way: 'docker' }, onPath],
    },
    { name: 'Docker first, then PyPI', seen: { docker, python }, ways: [{ way: 'docker' }, { way: 'pypi' }] },
    { name: 'the PATH without PyPI behind it', seen: { redisServer, python }, ways: [onPath] },
    { name: 'PyPI when the PATH has none', seen: { python }, ways: [{ way: 'pypi' }] },
    { name: 'the cache without Python', seen: { isValkeyCached: true }, ways: [{ way: 'pypi' }] },
    {
      name: 'forced to Docker: nothing behind it',
      seen: { forced: 'docker', docker, redisServer, python },
      ways: [{ way: 'docker' }],
    },
    { name: 'forced to Docker without an engine: none', seen: { forced: 'docker', redisServer, python }, ways: [] },
    { name: 'forced to local: no Docker', seen: { forced: 'local', docker, redisServer }, ways: [onPath] },
    {
      name: 'forced to PyPI: not the PATH',
      seen: { forced: 'pypi', docker, redisServer, python },
      ways: [{ way: 'pypi' }],
    },
    {
      name: 'on Windows only Docker',
      seen: { platform: 'win32', docker, redisServer, python },
      ways: [{ way: 'docker' }],
    },
  ])('takes $name', ({ seen, ways }) => {
    expect(chooseRedis({ ...bareMachine, ...seen }).ways).toEqual(ways);
  });

  it('gives the reason of each way that is closed', () => {
    expect(chooseRedis(bareMachine).closed).toEqual([
      'REDIS_URL is not set',
      'Docker: no engine runs here',
      'no redis-server',
      'Valkey from PyPI: no python3 on the PATH',
    ]);
  });
});

describe('chooseKafka', () => {
  it.each<{ name: string; seen: Partial<KafkaSurroundings>; ways: readonly unknown[] }>([
    { name: 'a bare machine: none', seen: {}, ways: [] },
    {
      name: 'addresses that are given, whatever else is there',
      seen: { kafkaBrokers: ['a:1', 'b:2'], docker, java, maven },
      ways: [{ way: 'given', brokers: ['a:1', 'b:2'] }],
    },
    {
      name: 'Docker first, then Java with jars by Maven or jgo',
      seen: { docker, java, maven, python },
      ways: [{ way: 'docker' }, { way: 'java', java: ownJava, jars: ['maven', 'jgo'] }],
    },
    {
      name: 'Java and Maven without Python',
      seen: { java, maven },
      ways: [{ way: 'java', java: ownJava, jars: ['maven'] }],
    },
    { name: 'everything from PyPI', seen: { python }, ways: [{ way: 'java', java: null, jars: ['jgo'] }] },
    {
      name: 'jgo where Maven has no Java to run on',
      seen: { maven, python },
      ways: [{ way: 'java', java: null, jars: ['jgo'] }],
    },
    {
      name: 'jars from the cache with a Java of any kind',
      seen: { areJarsCached: true, isJavaCached: true },
      ways: [{ way: 'java', java: null, jars: ['cache'] }],
    },
    { name: 'Java without jars: none', seen: { java }, ways: [] },
    { name: 'jars without Java: none', seen: { areJarsCached: true }, ways: [] },
    {
      name: 'forced to PyPI: not the Java and not the Maven of the PATH',
      seen: { forced: 'pypi', docker, java, maven, python },
      ways: [{ way: 'java', java: null, jars: ['jgo'] }],
    },
    {
      name: 'forced to local: no Docker',
      seen: { forced: 'local', docker, java, areJarsCached: true },
      ways: [{ way: 'java', java: ownJava, jars: ['cache'] }],
    },
    {
      name: 'forced to Docker: nothing behind it',
      seen: { forced: 'docker', docker, java, maven },
      ways: [{ way: 'docker' }],
    },
    { name: 'on Windows without Docker: none', seen: { platform: 'win32', java, maven, python }, ways: [] },
  ])('takes $name', ({ seen, ways }) => {
    expect(chooseKafka({ ...bareMachine, ...seen }).ways).toEqual(ways);
  });

  it('gives the reason of each way that is closed', () => {
    expect(chooseKafka(bareMachine).closed).toEqual([
      'KAFKA_BROKERS is not set',
      'Docker: no engine runs here',
      'Java: no java; no python3 on the PATH',
      "Kafka's jars: no mvn; no python3 on the PATH",
    ]);
  });
});

describe('refusalText', () => {
  it('tells what was tried and what would help, for both servers in one message', () => {
    const text = refusalText([
      { server: 'Redis', reasons: chooseRedis(bareMachine).closed },
      { server: 'Kafka', reasons: chooseKafka(bareMachine).closed },
    ]);
    expect(text).toMatch(/^Redis and Kafka cannot be had on this machine\.\n/);
    for (const help of ['Python 3', 'Docker engine', 'redis-server 6.2', 'Java 17', 'REDIS_URL=', 'KAFKA_BROKERS=']) {
      expect(text).toContain(help);
    }
  });

  it('speaks only of the server that is missing', () => {
    const text = refusalText([{ server: 'Redis', reasons: ['no'] }]);
    expect(text).toMatch(/^Redis cannot be had/);
    expect(text).not.toMatch(/Kafka|Java/);
  });
});
