import { snakeCase } from '@stream-manager/shared/config/key-spelling';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issuesOf, loadText, smallSource } from './config-file.ts';
import { fullConfig } from './full-config.ts';

describe('environment over the file', () => {
  it('takes REDIS_URL and KAFKA_BROKERS over the file, and STREAM__… over both', async () => {
    const text = `redis: { url: "redis://file:1" }\nkafka: { brokers: ["file:1"] }\n${smallSource}`;
    const plain = await loadText(text);
    expect(plain.config.redis.url).toBe('redis://file:1');
    const env = { REDIS_URL: 'redis://env:2', KAFKA_BROKERS: 'a:1, b:2' };
    const short = await loadText(text, { env });
    expect([short.config.redis.url, short.config.kafka.brokers]).toEqual(['redis://env:2', ['a:1', 'b:2']]);
    const long = await loadText(text, {
      env: { ...env, STREAM__REDIS__URL: 'redis://stream:3', STREAM__KAFKA__BROKERS: '[c:3]' },
    });
    expect([long.config.redis.url, long.config.kafka.brokers]).toEqual(['redis://stream:3', ['c:3']]);
  });

  it('takes empty REDIS_URL and KAFKA_BROKERS as not set', async () => {
    const { config } = await loadText(smallSource, { env: { REDIS_URL: '', KAFKA_BROKERS: ' ' } });
    expect([config.redis.url, config.kafka.brokers]).toEqual(['redis://127.0.0.1:6379', ['127.0.0.1:9092']]);
  });

  it.each([
    {
      variable: 'STREAM__THROTTLING__TARGETCONSUMERLAG',
      value: '500',
      path: 'throttling.targetConsumerLag',
      result: { kind: 'records', records: 500 },
    },
    {
      variable: 'STREAM__throttling__target-consumer-lag',
      value: '20s',
      path: 'throttling.targetConsumerLag',
      result: { kind: 'time', ms: 20_000 },
    },
    { variable: 'STREAM__SOURCES__FIRMS__EVERY', value: '5m', path: 'sources.firms.everyMs', result: 300_000 },
    {
      variable: 'STREAM__SOURCES__firms__PARAMS__DAY_RANGE',
      value: '2',
      path: 'sources.firms.params.dayRange',
      result: 2,
    },
    { variable: 'STREAM__DELIVERY__BACKOFF_MS', value: '[1, 2]', path: 'delivery.backoffMs', result: [1, 2] },
    { variable: 'STREAM__DELIVERY__BACKOFF_MS__0', value: '7', path: 'delivery.backoffMs', result: [7] },
    { variable: 'STREAM__QUEUE', value: '{max_records: 77}', path: 'queue.maxRecords', result: 77 },
    {
      variable: 'STREAM__TOPICS__WILDFIRE_IOT_SENSORS__PARTITIONS',
      value: '3',
      path: 'topics.wildfire-iot-sensors.partitions',
      result: 3,
    },
    {
      variable: 'STREAM__TOPICS__DEFAULT__CONFIG',
      value: '{a.b: 9223372036854775807}',
      path: 'topics.default.config',
      result: { 'a.b': '9223372036854775807' },
    },
    {
      variable: 'STREAM__ROUTING__CUSTOM__FIRMS',
      value: 'topic-x',
      path: 'routing.custom',
      result: { firms: 'topic-x' },
    },
    {
      variable: 'STREAM__ROUTING__CUSTOM',
      value: '{Some-Id: topic-y}',
      path: 'routing.custom',
      result: { 'Some-Id': 'topic-y' },
    },
    {
      variable: 'STREAM__ROUTING__PATTERNS__0',
      value: '{match: ^a, topic: b}',
      path: 'routing.patterns',
      result: [{ match: '^a', topic: 'b' }],
    },
    { variable: 'STREAM__KAFKA__SASL', value: 'null', path: 'kafka.sasl', result: null },
    { variable: 'STREAM__KAFKA__SASL', value: '', path: 'kafka.sasl', result: null },
    { variable: 'STREAM__KAFKA__SSL', value: 'true', path: 'kafka.ssl', result: true },
    { variable: 'STREAM__KAFKA__CLIENT_ID', value: '1234', path: 'kafka.clientId', result: '1234' },
    {
      variable: 'STREAM__SOURCES__FIRMS__PARAMS__MAPKEY',
      value: 'a: b #c',
      path: 'sources.firms.params.mapKey',
      result: 'a: b #c',
    },
    {
      variable: 'STREAM__SOURCES__FIRMS__PARAMS__MAPKEY',
      value: '*x',
      path: 'sources.firms.params.mapKey',
      result: '*x',
    },
    {
      variable: 'STREAM__SOURCES__FIRMS__PARAMS__MAPKEY',
      value: '"quoted"',
      path: 'sources.firms.params.mapKey',
      result: 'quoted',
    },
    {
      variable: 'STREAM__SOURCES__FIRMS__PARAMS__MAPKEY',
      value: '${OTHER}',
      path: 'sources.firms.params.mapKey',
      result: 'of other',
    },
    { variable: 'STREAM__SOURCES__FIRMS__ENABLED', value: 'false', path: 'sources.firms.enabled', result: false },
    { variable: 'stream__queue__maxrecords', value: '99', path: 'queue.maxRecords', result: 99 },
  ])('$variable=$value sets $path', async ({ variable, value, path, result }) => {
    const { config } = await loadText(smallSource, { env: { OTHER: 'of other', [variable]: value } });
    expect(path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config)).toEqual(result);
  });

  it('lays short paths first, so that one key of a map that is set as a whole can be set too', async () => {
    const env = { STREAM__QUEUE__MAX_RECORDS: '55', STREAM__QUEUE: '{overflow: reject, maxRecords: 44}' };
    const { config } = await loadText(smallSource, { env });
    expect(config.queue).toMatchObject({ overflow: 'reject', maxRecords: 55 });
  });

  it.each([
    {
      variable: 'STREAM__QUEUE__MAXRECORD',
      value: '5',
      path: 'queue.MAXRECORD',
      nearest: 'STREAM__QUEUE__MAX_RECORDS',
    },
    { variable: 'STREAM__QEUE__MAXRECORDS', value: '5', path: 'QEUE', nearest: 'STREAM__QUEUE' },
    { variable: 'STREAM__NOTHING_LIKE_IT', value: '5', path: 'NOTHING_LIKE_IT', nearest: undefined },
    { variable: 'STREAM__SOURCES__FRMS__EVERY', value: '5s', path: 'sources.FRMS', nearest: 'STREAM__SOURCES__FIRMS' },
    {
      variable: 'STREAM__SOURCES__FIRMS__PARAMS__MAP',
      value: 'x',
      path: 'sources.firms.params.MAP',
      nearest: undefined,
    },
    {
      variable: 'STREAM__SOURCES__FIRMS__PARAMS__BBX',
      value: 'x',
      path: 'sources.firms.params.BBX',
      nearest: 'STREAM__SOURCES__FIRMS__PARAMS__BBOX',
    },
    { variable: 'STREAM__REDIS__URL__HOST', value: 'x', path: 'redis.url.HOST', nearest: undefined },
    { variable: 'STREAM__KAFKA__BROKERS__2', value: 'x:1', path: 'kafka.brokers["2"]', nearest: undefined },
    { variable: 'STREAM__KAFKA__BROKERS__FIRST', value: 'x:1', path: 'kafka.brokers.FIRST', nearest: undefined },
    { variable: 'STREAM__QUEUE__', value: '5', path: 'queue[""]', nearest: undefined },
    { variable: 'STREAM__', value: '5', path: '[""]', nearest: undefined },
    { variable: 'STREAM__TOPICS__NEW_TOPIC__PARTITIONS', value: '5', path: 'topics.NEW_TOPIC', nearest: undefined },
  ])('$variable is refused, naming the variable and $nearest', async ({ variable, value, path, nearest }) => {
    const issues = await issuesOf(smallSource, { env: { [variable]: value } });
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ file: `environment variable ${variable}`, line: 0, path });
    expect(issues[0]?.nearest).toBe(nearest);
    expect(issues[0]?.message).toContain(nearest ?? '');
  });

  it('shows a wrong value with the name of its variable', async () => {
    const env = { STREAM__QUEUE__MAXRECORDS: 'many', KAFKA_BROKERS: 'nohost', STREAM__DELIVERY__BACKOFFMS: '[1, 2' };
    const issues = await issuesOf(smallSource, { env });
    expect(issues.map(({ file, path, found }) => ({ file, path, found }))).toEqual(
      expect.arrayContaining([
        { file: 'environment variable STREAM__QUEUE__MAXRECORDS', path: 'queue.maxRecords', found: '"many"' },
        { file: 'environment variable KAFKA_BROKERS', path: 'kafka.brokers', found: '"nohost"' },
        {
          file: 'environment variable STREAM__DELIVERY__BACKOFFMS',
          path: 'delivery.backoffMs',
          found: 'a text that is no YAML',
        },
      ]),
    );
    expect(issues).toHaveLength(3);
  });

  it('refuses two variables for one key, and names of sources that could be either of two', async () => {
    const twice = await issuesOf(smallSource, {
      env: { STREAM__QUEUE__MAX_RECORDS: '5', STREAM__QUEUE__MAXRECORDS: '6' },
    });
    expect(twice[0]?.message).toContain('is set by STREAM__QUEUE__MAXRECORDS as well');
    const twins = 'sources:\n  a-b: &a { type: metar, params: { stations: [KSFO] } }\n  a_b: *a\n';
    const either = await issuesOf(twins, { env: { STREAM__SOURCES__AB__EVERY: '5s' } });
    expect(either[0]?.message).toContain('could mean a-b or a_b');
    const exact = await loadText(twins, { env: { 'STREAM__SOURCES__a-b__EVERY': '5s' } });
    expect([exact.config.sources['a-b']?.everyMs, exact.config.sources.a_b?.everyMs]).toEqual([5_000, 30_000]);
  });

  it('does not print a secret that it sets', async () => {
    const env = {
      STREAM__SOURCES__FIRMS__PARAMS: '{mapKey: [s3cret], bbox: [-124, 32, -114, 42]}',
      STREAM__REDIS__URL: 'http://me:s3cret@host',
    };
    expect(JSON.stringify(await issuesOf(smallSource, { env }))).not.toContain('s3cret');
  });
});

describe('any key of the config', () => {
  const leaves = settable(fullConfig);

  it('can be set from the environment, in any spelling of its name', { timeout: 60_000 }, async () => {
    const whole = await loadText(JSON.stringify(fullConfig), { name: 'c.json' });
    const spelling = fc.record({
      leaf: fc.constantFrom(...leaves),
      seed: fc.array(fc.nat(2), { minLength: 80, maxLength: 80 }),
    });
    await fc.assert(
      fc.asyncProperty(spelling, async ({ leaf, seed }) => {
        const variable = ['STREAM', ...leaf.path.map((part) => respell(String(part), seed))].join('__');
        const text = typeof leaf.value === 'string' ? leaf.value : JSON.stringify(leaf.value);
        const rest = without(fullConfig, leaf.path);
        const { config } = await loadText(JSON.stringify(rest), { name: 'c.json', env: { [variable]: text } });
        expect(config).toEqual(whole.config);
      }),
      { numRuns: 150 },
    );
  });

  it('includes the parts of every section and of every type', () => {
    expect(leaves.length).toBeGreaterThan(120);
    expect(new Set(leaves.map(({ path }) => path[0]))).toEqual(new Set(Object.keys(fullConfig)));
  });
});

type Leaf = { readonly path: readonly (string | number)[]; readonly value: unknown };

/** Values that a variable can set. Names of the user's own (headers, Kafka's settings) are set with their whole map. */
function settable(value: unknown, path: readonly (string | number)[] = []): Leaf[] {
  if (Array.isArray(value)) return [{ path, value }];
  const isOpen = ['config', 'headers', 'custom', 'request', 'pagination', 'cursor', 'options'].includes(
    String(path.at(-1)),
  );
  const isFields = path.at(-1) === 'fields' && ['http', 'mqtt', 'push'].includes(String(path[1]));
  if (typeof value !== 'object' || value === null || isOpen || isFields) return [{ path, value }];
  return Object.entries(value).flatMap(([key, child]) => {
    // Without its entry a source has no name to set something under; topics of the file are names of the file, too.
    return settable(child, [...path, key]);
  });
}

function without(value: unknown, [key, ...rest]: readonly (string | number)[]): unknown {
  const copy: Record<string, unknown> = { ...(value as object) };
  if (rest.length === 0) delete copy[String(key)];
  else copy[String(key)] = without(copy[String(key)], rest);
  return copy;
}

/** The name in snake_case with each letter's case, and each separator, by chance. */
function respell(name: string, seed: readonly number[]): string {
  return snakeCase(name)
    .split('')
    .map((letter, index) => {
      const choice = seed[index] ?? 0;
      if (letter === '_' || letter === '-') return ['_', '-', ''][choice];
      return choice === 0 ? letter : letter.toUpperCase();
    })
    .join('');
}
