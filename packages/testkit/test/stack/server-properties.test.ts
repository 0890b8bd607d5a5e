import { expect, it } from 'vitest';
import { serverProperties } from '../../src/stack/server-properties.ts';

const node = { nodeId: 1, port: 21_001, controllerPort: 21_002 };
const linesOf = (text: string): readonly string[] => text.trimEnd().split('\n');

it('describes a node that is broker and controller on its two ports of 127.0.0.1', () => {
  expect(linesOf(serverProperties(node, '/data'))).toEqual(
    expect.arrayContaining([
      'process.roles=broker,controller',
      'node.id=1',
      'controller.quorum.voters=1@127.0.0.1:21002',
      'listeners=PLAINTEXT://127.0.0.1:21001,CONTROLLER://127.0.0.1:21002',
      'advertised.listeners=PLAINTEXT://127.0.0.1:21001',
      'log.dirs=/data',
      'auto.create.topics.enable=false',
      'offsets.topic.replication.factor=1',
      'share.coordinator.state.topic.min.isr=1',
    ]),
  );
});

it('lets a setting that is given win, and names each setting once', () => {
  const voters = '1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3';
  const lines = linesOf(
    serverProperties(node, '/data', { 'controller.quorum.voters': voters, 'message.max.bytes': '5000' }),
  );
  expect(lines).toContain(`controller.quorum.voters=${voters}`);
  expect(lines).toContain('message.max.bytes=5000');
  const keys = lines.map((line) => line.split('=', 1)[0]);
  expect(new Set(keys).size).toBe(keys.length);
});

it('doubles backslashes, which a properties file would swallow', () => {
  expect(serverProperties(node, 'C:\\data')).toContain('log.dirs=C:\\\\data\n');
});
