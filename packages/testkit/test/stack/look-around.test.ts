import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDocker } from '../../src/stack/find-docker.ts';
import { lookForKafka, lookForRedis } from '../../src/stack/look-around.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Puts programs that only say their version into a directory that is the whole PATH. */
const machineWith = async (
  directory: string,
  programs: Readonly<Record<string, string>>,
): Promise<NodeJS.ProcessEnv> => {
  for (const [name, answer] of Object.entries(programs)) {
    await writeFile(join(directory, name), `#!/bin/sh\necho '${answer}' >&2\n`);
    await chmod(join(directory, name), 0o755);
  }
  return { PATH: directory };
};

describe('lookForRedis', () => {
  it.each([
    { name: 'redis-server', answer: 'Redis server v=7.0.15 sha=0:0', label: 'redis-server 7.0.15' },
    { name: 'redis-server', answer: 'Redis server v=6.2.0 sha=0:0', label: 'redis-server 6.2.0' },
    { name: 'valkey-server', answer: 'Valkey server v=9.1.2 sha=0:0', label: 'valkey-server 9.1.2' },
  ])('finds $label', async ({ name, answer, label }) => {
    await using directory = await temporaryDirectory();
    const env = await machineWith(directory.path, { [name]: answer });
    const seen = await lookForRedis(env, directory.path, false);
    expect(seen.redisServer).toEqual({ found: true, path: join(directory.path, name), label });
  });

  it('passes a server that is too old over, and finds the other one', async () => {
    await using directory = await temporaryDirectory();
    const old = { 'redis-server': 'Redis server v=5.0.7 sha=0:0' };
    const seenOld = await lookForRedis(await machineWith(directory.path, old), directory.path, false);
    expect(seenOld.redisServer).toEqual({ found: false, why: expect.stringContaining('older than 6.2') });
    const env = await machineWith(directory.path, { 'valkey-server': 'Valkey server v=8.0.1' });
    expect((await lookForRedis(env, directory.path, false)).redisServer).toMatchObject({
      label: 'valkey-server 8.0.1',
    });
  });

  it('takes the address from REDIS_URL, and an empty one for none', async () => {
    await using directory = await temporaryDirectory();
    const given = await lookForRedis({ REDIS_URL: 'redis://h:1' }, directory.path, false);
    const empty = await lookForRedis({ REDIS_URL: '' }, directory.path, false);
    expect([given.redisUrl, empty.redisUrl]).toEqual(['redis://h:1', null]);
  });

  it('refuses a STREAM_STACK that does not exist', async () => {
    await using directory = await temporaryDirectory();
    await expect(lookForRedis({ STREAM_STACK: 'podman' }, directory.path, false)).rejects.toMatchObject({
      code: 'invalid',
      message: 'STREAM_STACK must be one of docker, local, pypi; it is "podman"',
    });
  });
});

describe('lookForKafka', () => {
  it.each([
    { answer: 'openjdk version "17.0.15" 2025-04-15', found: true },
    { answer: 'openjdk version "25" 2025-09-16', found: true },
    { answer: 'openjdk version "11.0.2" 2019-01-15', found: false },
    { answer: 'java version "1.8.0_431"', found: false },
    { answer: 'The operation couldn’t be completed. Unable to locate a Java Runtime.', found: false },
  ])('judges a java that says $answer', async ({ answer, found }) => {
    await using directory = await temporaryDirectory();
    const env = await machineWith(directory.path, { java: answer });
    expect((await lookForKafka(env, directory.path, false)).java.found).toBe(found);
  });

  it('prefers JAVA_HOME, unless that one is too old', async () => {
    await using directory = await temporaryDirectory();
    const home = join(directory.path, 'home');
    await mkdir(join(home, 'bin'), { recursive: true });
    const env = await machineWith(directory.path, { java: 'version "21.0.1"' });
    await machineWith(join(home, 'bin'), { java: 'version "17.0.9"' });
    const withHome = { ...env, JAVA_HOME: home };
    expect((await lookForKafka(withHome, directory.path, false)).java).toMatchObject({ label: 'Java 17.0.9' });
    await machineWith(join(home, 'bin'), { java: 'version "11.0.9"' });
    expect((await lookForKafka(withHome, directory.path, false)).java).toMatchObject({ label: 'Java 21.0.1' });
  });

  it('reads KAFKA_BROKERS as a list', async () => {
    await using directory = await temporaryDirectory();
    const seen = await lookForKafka({ KAFKA_BROKERS: ' a:9092, b:9092,' }, directory.path, false);
    expect(seen.kafkaBrokers).toEqual(['a:9092', 'b:9092']);
  });

  it('finds nothing on an empty PATH', async () => {
    await using directory = await temporaryDirectory();
    const seen = await lookForKafka({ PATH: directory.path }, directory.path, false);
    expect([seen.java.found, seen.maven.found, seen.python.found, seen.areJarsCached]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('findDocker', () => {
  it('asks the engine of DOCKER_HOST', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'engine.sock');
    const engine = createServer((request, answer) => {
      answer.statusCode = request.url === '/_ping' ? 200 : 404;
      answer.end();
    }).listen(path);
    await once(engine, 'listening');
    expect(await findDocker({ DOCKER_HOST: `unix://${path}` })).toMatchObject({ found: true });
    engine.close();
    await once(engine, 'close');
    expect(await findDocker({ DOCKER_HOST: `unix://${path}` })).toEqual({
      found: false,
      why: `no engine answers at unix://${path}`,
    });
  });
});
