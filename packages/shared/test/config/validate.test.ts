import { ConfigError } from '@stream-manager/shared/config/config-error';
import { formatConfigError } from '@stream-manager/shared/config/format-config-error';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issuesOf, loadText, outcomeOf } from './config-file.ts';
import { fullConfig } from './full-config.ts';

describe('a wrong value', () => {
  const source = (lines: string): string =>
    `sources:\n  one:\n    type: nasa-firms\n    params: { mapKey: a, bbox: [-124, 32, -114, 42] }\n${lines.replace(/^/gm, '    ')}`;
  const firms = (params: string): string => `sources:\n  one:\n    type: nasa-firms\n    params: ${params}\n`;

  it.each([
    {
      text: 'redis:\n  url: http://a',
      line: 2,
      path: 'redis.url',
      says: 'expected a redis:// or rediss:// address, found "http://a"',
    },
    { text: 'redis:\n  url: redis://me:pw@', line: 2, path: 'redis.url', says: 'found "redis://***@"' },
    {
      text: 'redis:\n  keyPrefix: "a:b"',
      line: 2,
      path: 'redis.keyPrefix',
      says: 'letters, digits, underscores or hyphens',
    },
    {
      text: 'redis:\n  highWater: 1.5',
      line: 2,
      path: 'redis.highWater',
      says: 'expected a number from 0.1 to 0.95, found 1.5',
    },
    {
      text: 'redis:\n  allowUnsafe: yes',
      line: 2,
      path: 'redis.allowUnsafe',
      says: 'expected true or false, found "yes"',
    },
    {
      text: 'redis: 5',
      line: 1,
      path: 'redis',
      says: 'expected a map with url, keyPrefix, highWater, allowUnsafe, found 5',
    },
    { text: 'redis: [a]', line: 1, path: 'redis', says: 'found ["a"]' },
    { text: 'kafka:\n  client: kafka', line: 2, path: 'kafka.client', says: 'Did you mean "kafkajs"?' },
    { text: 'kafka:\n  brokers:\n    - a:1\n    - b', line: 4, path: 'kafka.brokers[1]', says: 'expected host:port' },
    { text: 'kafka:\n  brokers: []', line: 2, path: 'kafka.brokers', says: 'a list of 1 to 100 brokers' },
    { text: 'kafka:\n  brokers: a:0', line: 2, path: 'kafka.brokers', says: 'a list of 1 to 100 brokers' },
    { text: 'kafka:\n  brokers: [a:65536]', line: 2, path: 'kafka.brokers[0]', says: 'host:port' },
    {
      text: 'kafka:\n  acks: 1',
      line: 2,
      path: 'kafka.acks',
      says: 'expected only all, found 1: with fewer acknowledgements',
    },
    {
      text: 'kafka:\n  idempotent: true',
      line: 2,
      path: 'kafka.idempotent',
      says: 'acknowledges records that are not in the log',
    },
    {
      text: 'kafka:\n  compression: lz4',
      line: 2,
      path: 'kafka.compression',
      says: 'found "lz4": Node 24 has no codec for it',
    },
    {
      text: 'kafka:\n  compression: snappy',
      line: 2,
      path: 'kafka.compression',
      says: 'found "snappy": Node 24 has no codec for it',
    },
    { text: 'kafka:\n  compression: gzp', line: 2, path: 'kafka.compression', says: 'Did you mean "gzip"?' },
    {
      text: 'kafka:\n  batchSize: 0',
      line: 2,
      path: 'kafka.batchSize',
      says: 'a whole number from 1 to 10,000 (records), found 0',
    },
    { text: 'kafka:\n  batchSize: 1.5', line: 2, path: 'kafka.batchSize', says: 'found 1.5' },
    { text: 'kafka:\n  batchSize: "500"', line: 2, path: 'kafka.batchSize', says: 'found "500"' },
    {
      text: 'kafka:\n  sasl: { mechanism: plain, username: me, password: 123 }',
      line: 2,
      path: 'kafka.sasl.password',
      says: 'found ***. A number or word that is meant as text must be in quotes',
    },
    {
      text: 'kafka:\n  sasl: { mechanism: plain, username: me }',
      line: 2,
      path: 'kafka.sasl.password',
      says: 'is missing: expected a password',
    },
    { text: 'kafka:\n  ssl: maybe', line: 2, path: 'kafka.ssl', says: 'expected true, false, or a map with ca' },
    {
      text: 'throttling:\n  minSendRate: 200\n  maxSendRate: 100',
      line: 2,
      path: 'throttling.minSendRate',
      says: 'must not be above maxSendRate (100 records/s)',
    },
    {
      text: 'throttling:\n  maxSendRate: 5',
      line: 2,
      path: 'throttling.maxSendRate',
      says: 'must not be above maxSendRate',
    },
    {
      text: 'throttling:\n  targetConsumerLag: 90s',
      line: 2,
      path: 'throttling.targetConsumerLag',
      says: 'must not be above criticalConsumerLag (1m)',
    },
    {
      text: 'throttling:\n  targetConsumerLag: 9\n  criticalConsumerLag: 8',
      line: 2,
      path: 'throttling.targetConsumerLag',
      says: 'must not be above criticalConsumerLag (8 records)',
    },
    {
      text: 'throttling:\n  criticalConsumerLag: 800',
      line: 2,
      path: 'throttling.criticalConsumerLag',
      says: 'a target given as a time is never under 1000 records',
    },
    {
      text: 'throttling:\n  targetConsumerLag: 1000x',
      line: 2,
      path: 'throttling.targetConsumerLag',
      says: 'a whole number of records from 1, or a number with ms',
    },
    { text: 'throttling:\n  targetConsumerLag: 0', line: 2, path: 'throttling.targetConsumerLag', says: 'found 0' },
    { text: 'throttling:\n  adjustmentFactor: -1', line: 2, path: 'throttling.adjustmentFactor', says: 'found -1' },
    {
      text: 'throttling:\n  baseDelayMs: 20000',
      line: 2,
      path: 'throttling.baseDelayMs',
      says: 'must not be above maxDelayMs (16000)',
    },
    {
      text: 'throttling:\n  windowSeconds: 1\n  sampleIntervalMs: 2000',
      line: 3,
      path: 'throttling.sampleIntervalMs',
      says: 'must not be longer than windowSeconds (1 s)',
    },
    {
      text: 'throttling:\n  consumerGroups: all',
      line: 2,
      path: 'throttling.consumerGroups',
      says: 'auto, or a list of 1 to 100 consumer groups',
    },
    { text: 'queue:\n  maxRecords: -5', line: 2, path: 'queue.maxRecords', says: 'found -5' },
    {
      text: 'queue:\n  overflow: bogus',
      line: 2,
      path: 'queue.overflow',
      says: 'one of backpressure, drop_oldest, drop_lowest, reject, found "bogus"',
    },
    { text: 'queue:\n  overflow: block', line: 2, path: 'queue.overflow', says: 'Did you mean "backpressure"?' },
    {
      text: 'queue:\n  maxRecords: 100\n  criticalReserve: 100',
      line: 3,
      path: 'queue.criticalReserve',
      says: 'must be below maxRecords (100)',
    },
    { text: 'queue:\n  maxRecords: 100\n  chunkSize: 96', line: 3, path: 'queue.chunkSize', says: '(100 − 5 = 95)' },
    {
      text: 'queue:\n  chunkSize: 2001',
      line: 2,
      path: 'queue.chunkSize',
      says: 'a whole number from 1 to 2,000 (records), found 2001',
    },
    { text: 'delivery:\n  maxAttempts: 0', line: 2, path: 'delivery.maxAttempts', says: 'found 0' },
    {
      text: 'delivery:\n  backoffMs: []',
      line: 2,
      path: 'delivery.backoffMs',
      says: 'a list of 1 to 32 whole numbers',
    },
    { text: 'delivery:\n  backoffMs: [100, fast]', line: 2, path: 'delivery.backoffMs[1]', says: 'found "fast"' },
    {
      text: 'delivery:\n  deadLetters:\n    maxInvalidShare: 2',
      line: 3,
      path: 'delivery.deadLetters.maxInvalidShare',
      says: 'a number from 0 to 1, found 2',
    },
    { text: 'topics:\n  "a b": {}', line: 2, path: 'topics["a b"]', says: 'expected a topic name' },
    { text: 'topics:\n  "..": {}', line: 2, path: 'topics[".."]', says: 'expected a topic name' },
    {
      text: `topics:\n  ${'x'.repeat(250)}: {}`,
      line: 2,
      path: `topics.${'x'.repeat(250)}`,
      says: 'expected a topic name',
    },
    { text: 'topics:\n  a: { partitions: 0 }', line: 2, path: 'topics.a.partitions', says: 'found 0' },
    {
      text: 'topics:\n  a: { replicationFactor: 0 }',
      line: 2,
      path: 'topics.a.replicationFactor',
      says: "or -1 for the broker's default, found 0",
    },
    { text: 'topics:\n  a: { config: { b: [1] } }', line: 2, path: 'topics.a.config.b', says: 'found [1]' },
    { text: 'routing:\n  default: a/b', line: 2, path: 'routing.default', says: 'expected a topic name' },
    { text: 'routing:\n  custom: { one: a b }', line: 2, path: 'routing.custom.one', says: 'expected a topic name' },
    {
      text: 'routing:\n  patterns: [{ match: "(", topic: a }]',
      line: 2,
      path: 'routing.patterns[0].match',
      says: 'no regular expression that JavaScript can compile',
    },
    {
      text: `routing:\n  patterns: [{ match: "${'a'.repeat(201)}", topic: a }]`,
      line: 2,
      path: 'routing.patterns[0].match',
      says: 'a regular expression of at most 200 characters',
    },
    { text: 'routing:\n  patterns: [{ match: a }]', line: 2, path: 'routing.patterns[0].topic', says: 'is missing' },
    {
      text: 'routing:\n  rules:\n    - when: { field: a }\n      topic: b',
      line: 3,
      path: 'routing.rules[0].when',
      says: 'must have exactly one of equals, matches, above, below, exists',
    },
    {
      text: 'routing:\n  rules:\n    - when: { field: a, above: 1, below: 2 }\n      topic: b',
      line: 3,
      path: 'routing.rules[0].when',
      says: 'and has above and below',
    },
    {
      text: 'routing:\n  rules:\n    - when: { field: a, above: 1 }',
      line: 3,
      path: 'routing.rules[0]',
      says: 'must have a topic or a priority',
    },
    {
      text: 'routing:\n  rules:\n    - when: { field: "a b", above: 1 }\n      priority: urgent',
      line: 3,
      path: 'routing.rules[0].when.field',
      says: 'a path with dots',
    },
    { text: 'shutdown:\n  graceMs: -1', line: 2, path: 'shutdown.graceMs', says: 'found -1' },
    { text: 'sources: [a]', line: 1, path: 'sources', says: 'expected a map of source ids' },
    {
      text: 'sources:\n  poll: { type: metar, params: { stations: [KSFO] } }',
      line: 2,
      path: 'sources.poll',
      says: 'and not "poll", found "poll"',
    },
    {
      text: 'sources:\n  Poll: { type: metar, params: { stations: [KSFO] } }',
      line: 2,
      path: 'sources.Poll',
      says: 'and not "poll"',
    },
    {
      text: 'sources:\n  1a: { type: metar, params: { stations: [KSFO] } }',
      line: 2,
      path: 'sources["1a"]',
      says: 'a letter, then up to 62',
    },
    {
      text: 'sources:\n  a.b: { type: metar, params: { stations: [KSFO] } }',
      line: 2,
      path: 'sources["a.b"]',
      says: 'expected a source id',
    },
    {
      text: `sources:\n  ${'a'.repeat(64)}: { type: metar, params: { stations: [KSFO] } }`,
      line: 2,
      path: `sources.${'a'.repeat(64)}`,
      says: 'expected a source id',
    },
    {
      text: 'sources:\n  one: &a { type: metar, params: { stations: [KSFO] } }\n  ONE: *a',
      line: 3,
      path: 'sources.ONE',
      says: 'differs from source "one" by case only',
    },
    {
      text: 'sources:\n  one:\n    params: {}',
      line: 2,
      path: 'sources.one.type',
      says: 'is missing: expected one of nasa-firms, noaa-stations',
    },
    {
      text: 'sources:\n  one:\n    type: nasa_firms',
      line: 3,
      path: 'sources.one.type',
      says: 'Did you mean "nasa-firms"?',
    },
    {
      text: 'sources:\n  one:\n    type: nasa-firms',
      line: 2,
      path: 'sources.one.params',
      says: 'is missing: expected a map with mapKey, bbox',
    },
    { text: 'sources:\n  one:', line: 2, path: 'sources.one.type', says: 'is missing' },
    { text: source('mode: real_time'), line: 5, path: 'sources.one.mode', says: 'Did you mean "real-time"?' },
    {
      text: source('mode: continuous_streaming'),
      line: 5,
      path: 'sources.one.mode',
      says: 'Did you mean "continuous"?',
    },
    {
      text: source('every: 900'),
      line: 5,
      path: 'sources.one.every',
      says: 'a number with ms, s, m, h or d, such as 15m (1s to 366d), found 900',
    },
    { text: source('every: 999ms'), line: 5, path: 'sources.one.every', says: 'found "999ms"' },
    { text: source('every: 367d'), line: 5, path: 'sources.one.every', says: 'found "367d"' },
    { text: source('every: 5m\ncron: "*/5 * * * *"'), line: 6, path: 'sources.one.cron', says: 'excludes every' },
    { text: source('tz: UTC'), line: 5, path: 'sources.one.tz', says: 'has a meaning only beside cron' },
    { text: source('cron: "*/5 * * *"'), line: 5, path: 'sources.one.cron', says: 'must have five fields' },
    { text: source('cron: "0 0 31 2 *"'), line: 5, path: 'sources.one.cron', says: 'never comes' },
    {
      text: source('cron: "* * * * *"\ntz: Mars/Olympus'),
      line: 6,
      path: 'sources.one.tz',
      says: 'a time zone such as America/Los_Angeles',
    },
    {
      text: source('priority: urgent'),
      line: 5,
      path: 'sources.one.priority',
      says: 'one of critical, high, normal, low',
    },
    { text: source('rateLimitPerMinute: 0'), line: 5, path: 'sources.one.rateLimitPerMinute', says: 'found 0' },
    { text: source('timeoutSeconds: 0'), line: 5, path: 'sources.one.timeoutSeconds', says: 'found 0' },
    { text: source('cacheTtlSeconds: -1'), line: 5, path: 'sources.one.cacheTtlSeconds', says: 'found -1' },
    {
      text: source('baseUrl: ftp://a'),
      line: 5,
      path: 'sources.one.baseUrl',
      says: 'must be an http or https address (found "ftp://a")',
    },
    {
      text: source('baseUrl: a.example.org'),
      line: 5,
      path: 'sources.one.baseUrl',
      says: 'must be an http or https address',
    },
    {
      text: source('baseUrl: https://a.example.org/api'),
      line: 5,
      path: 'sources.one.baseUrl',
      says: 'scheme, host and port only',
    },
    {
      text: source('baseUrl: https://me:s3cret@a.example.org'),
      line: 5,
      path: 'sources.one.baseUrl',
      says: 'found "https://***@a.example.org"',
    },
    { text: source('topic: a b'), line: 5, path: 'sources.one.topic', says: 'expected a topic name' },
    {
      text: source('partitionKey: "a..b"'),
      line: 5,
      path: 'sources.one.partitionKey',
      says: 'a path into data or location',
    },
    {
      text: source('partitionKey: sourceId'),
      line: 5,
      path: 'sources.one.partitionKey',
      says: 'a path into data or location',
    },
    {
      text: source('headers: { "a b": c }'),
      line: 5,
      path: 'sources.one.headers["a b"]',
      says: 'expected a header name',
    },
    {
      text: source('headers: { User-Agent: "a\\nb" }'),
      line: 5,
      path: 'sources.one.headers.User-Agent',
      says: 'a header value of one line',
    },
    { text: source('headers: { X: 5 }'), line: 5, path: 'sources.one.headers.X', says: 'found ***' },
    {
      text: source('dedupeWindowHours: 47'),
      line: 5,
      path: 'sources.one.dedupeWindowHours',
      says: 'must be 48 or more',
    },
    { text: source('corrections: drop'), line: 5, path: 'sources.one.corrections', says: 'one of publish, ignore' },
    {
      text: source('queue: { maxRecords: 100, chunkSize: 96 }'),
      line: 5,
      path: 'sources.one.queue.chunkSize',
      says: '(100 − 5 = 95)',
    },
    {
      text: `queue: { chunkSize: 400 }\n${source('queue: { maxRecords: 100 }')}`,
      line: 6,
      path: 'sources.one.queue.maxRecords',
      says: 'contradicts chunkSize, which must not be above maxRecords − criticalReserve',
    },
    {
      text: `queue: { criticalReserve: 200 }\n${source('queue: { maxRecords: 200 }')}`,
      line: 6,
      path: 'sources.one.queue.maxRecords',
      says: 'contradicts criticalReserve, which must be below maxRecords (200)',
    },
    {
      text: source('throttling: { minSendRate: 200000 }'),
      line: 5,
      path: 'sources.one.throttling.minSendRate',
      says: 'must not be above maxSendRate (100000 records/s)',
    },
    {
      text: source('throttling: { targetConsumerLag: 2m }'),
      line: 5,
      path: 'sources.one.throttling.targetConsumerLag',
      says: 'must not be above criticalConsumerLag (1m)',
    },
    {
      text: firms('{ mapKey: "", bbox: [1, 2, 3, 4] }'),
      line: 4,
      path: 'sources.one.params.mapKey',
      says: 'expected a MAP_KEY of FIRMS, found ***',
    },
    {
      text: firms('{ mapKey: 12345, bbox: [1, 2, 3, 4] }'),
      line: 4,
      path: 'sources.one.params.mapKey',
      says: 'must be in quotes',
    },
    {
      text: firms('{ mapKey: a, bbox: [1, 2, 3] }'),
      line: 4,
      path: 'sources.one.params.bbox',
      says: 'four numbers [west, south, east, north] in degrees, found [1, 2, 3]',
    },
    {
      text: firms('{ mapKey: a, bbox: [-190, 2, 3, 4] }'),
      line: 4,
      path: 'sources.one.params.bbox[0]',
      says: 'a longitude from -180 to 180',
    },
    {
      text: firms('{ mapKey: a, bbox: [1, 2, 3, 95] }'),
      line: 4,
      path: 'sources.one.params.bbox[3]',
      says: 'a latitude from -90 to 90',
    },
    {
      text: firms('{ mapKey: a, bbox: [3, 2, 1, 4] }'),
      line: 4,
      path: 'sources.one.params.bbox',
      says: 'must run from west to east',
    },
    {
      text: firms('{ mapKey: a, bbox: [1, 4, 3, 2] }'),
      line: 4,
      path: 'sources.one.params.bbox',
      says: 'must run from south to north',
    },
    {
      text: firms('{ mapKey: a, bbox: [1, 2, 3, 4], dayRange: 11 }'),
      line: 4,
      path: 'sources.one.params.dayRange',
      says: 'a whole number from 1 to 10 (days)',
    },
    {
      text: firms('{ mapKey: a, bbox: [1, 2, 3, 4], dataset: VIIRS_SNPP }'),
      line: 4,
      path: 'sources.one.params.dataset',
      says: 'Did you mean "VIIRS_SNPP_SP"?',
    },
    {
      text: 'sources:\n  one: { type: noaa-stations, params: {} }',
      line: 2,
      path: 'sources.one.params',
      says: 'must have either stations (a list of ids) or state',
    },
    {
      text: 'sources:\n  one: { type: noaa-stations, params: { state: CA, stations: [A1] } }',
      line: 2,
      path: 'sources.one.params',
      says: 'and not both',
    },
    {
      text: 'sources:\n  one: { type: noaa-stations, params: { state: California } }',
      line: 2,
      path: 'sources.one.params.state',
      says: 'two capital letters',
    },
    {
      text: 'sources:\n  one: { type: noaa-alerts, params: { area: ca } }',
      line: 2,
      path: 'sources.one.params.area',
      says: 'areas of two capital letters',
    },
    {
      text: 'sources:\n  one: { type: purpleair, params: { apiKey: a, bbox: [1, 2, 3, 4], fields: ["PM 2"] } }',
      line: 2,
      path: 'sources.one.params.fields[0]',
      says: 'a field of the PurpleAir API',
    },
    {
      text: 'sources:\n  one: { type: airnow, params: { apiKey: a, zipCodes: [90012] } }',
      line: 2,
      path: 'sources.one.params.zipCodes[0]',
      says: 'five digits, in quotes, found 90012',
    },
    {
      text: 'sources:\n  one: { type: mqtt, params: { url: "http://a", topics: [a], qos: 3 } }',
      line: 2,
      path: 'sources.one.params.url',
      says: 'an mqtt://',
    },
    {
      text: 'sources:\n  one: { type: push, params: { token: short } }',
      line: 2,
      path: 'sources.one.params.token',
      says: 'must have 16 characters or more (found ***)',
    },
  ])('at $path: $says', async ({ text, line, path, says }) => {
    const issues = await issuesOf(text);
    const issue = issues.find((one) => one.path === path);
    expect(issue).toMatchObject({ file: 'stream.yaml', line });
    expect(issue?.message).toContain(says);
    expect(issues.length).toBeLessThanOrEqual(2);
  });
});

describe('a bad file', () => {
  const text = `
kafka:
  brokers: [nohost, "b:9092"]
  acks: 0
throttling: { minSendRate: 500, maxSendRate: 100, windowSeconds: abc, targetConsumerLag: 60s, criticalConsumerLag: 10s }
queue: { maxRecords: 100, chunkSize: 99, overflow: nothing }
routing:
  rules:
    - { when: { field: "x y", equals: 1 }, topic: "a b" }
    - { when: { field: severity } }
sources:
  firms:
    type: nasa-firms
    evry: 15m
    dedupe_window_hours: 48
    queue: { maxRecords: 5, criticalReserve: 5 }
    params: { mapKey: "\${FIRMS_MAP_KEY}", bbox: [-114, 32, -124, 42], dayRange: 3 }
  Firms: { type: nasa_firms, params: {} }
  stations: { type: noaa-stations, every: 1m, cron: "*/5 * * * *", params: {} }
`;

  it('gives all its errors at once, in the order of the file', async () => {
    const issues = await issuesOf(text, { env: { STREAM__QUEUE__MAXRECORD: '5' } });
    expect(issues.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '3 kafka.brokers[0]',
      '4 kafka.acks',
      '5 throttling.minSendRate',
      '5 throttling.windowSeconds',
      '5 throttling.targetConsumerLag',
      '6 queue.chunkSize',
      '6 queue.overflow',
      '9 routing.rules[0].when.field',
      '9 routing.rules[0].topic',
      '10 routing.rules[1]',
      '10 routing.rules[1].when',
      '14 sources.firms.evry',
      '15 sources.firms.dedupeWindowHours',
      '16 sources.firms.queue.criticalReserve',
      '17 sources.firms.params.mapKey',
      '17 sources.firms.params.bbox',
      '18 sources.Firms',
      '18 sources.Firms.type',
      '19 sources.stations.cron',
      '19 sources.stations.params',
      '0 queue.MAXRECORD',
    ]);
  });

  it('tells in each what was expected and what was found', async () => {
    for (const issue of await issuesOf(text)) {
      expect(issue.expected).not.toBe('');
      expect(issue.found).not.toBe('');
      expect(issue.message).not.toBe('');
      expect(issue.column).toBeGreaterThan(0);
    }
  });

  it('reports nothing that only follows from another error', async () => {
    expect(await issuesOf('throttling:\n  minSendRate: many\n  maxSendRate: 5\n')).toHaveLength(1);
    expect(await issuesOf('queue:\n  maxRecords: few\n  chunkSize: 1500\n')).toHaveLength(1);
    expect(await issuesOf('kafka:\n  brokers: [a]\n')).toHaveLength(1);
    expect(await issuesOf('sources:\n  a: { type: noaa-stations, params: { state: 5 } }\n')).toHaveLength(1);
    expect(await issuesOf('routing:\n  rules:\n    - { when: { field: a, above: x }, topic: b }\n')).toHaveLength(1);
  });

  it('with very many errors gives the first of them', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `  t${index}: { partitions: 0 }`).join('\n');
    expect(await issuesOf(`topics:\n${many}\n`)).toHaveLength(500);
  });

  it('never prints a secret, however wrong it is', async () => {
    const bad = `
redis: { url: "redis:/me:s3cretA@host" }
kafka: { sasl: { mechanism: plane, username: me, password: [s3cretB] }, ssl: { key: { a: s3cretC } } }
sources:
  a: { type: nasa-firms, params: { mapKey: { x: s3cretD }, bbox: "\${BBOX}" }, headers: { X-Other: [s3cretE] } }
  b: { type: push, params: { token: s3cretF } }
  c: { type: purpleair, params: { apiKey: [s3cretG], bbox: [1, 2, 3, 4] }, topic: "\${TOPIC}", baseUrl: "https://u:s3cretH@host" }
`;
    const issues = await issuesOf(bad, { env: { BBOX: 's3cretI', TOPIC: 'not a topic s3cretJ' } });
    expect(issues.length).toBeGreaterThanOrEqual(9);
    expect(JSON.stringify(issues)).not.toContain('s3cret');
    expect(formatConfigError(new ConfigError(issues))).not.toContain('s3cret');
    expect(new ConfigError(issues).message).not.toContain('s3cret');
  });
});

describe('any value in any place', () => {
  it('loads or is refused with at least one fault that has a place, and never anything else', {
    timeout: 60_000,
  }, async () => {
    const paths = everyPath(fullConfig);
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('${A}', '${', 'auto', 0, -1, [], {}, '1s', 'http://a'),
    );
    const changes = fc.array(fc.record({ path: fc.constantFrom(...paths), value }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(changes, fc.constantFrom('required', 'optional'), async (list, secrets) => {
        const changed = list.reduce<unknown>((at, change) => replaced(at, change.path, change.value), fullConfig);
        const refusal = await outcomeOf(loadText(JSON.stringify(changed), { name: 'c.json', secrets }));
        const places = refusal?.issues.map(({ file, line }) => `${file}:${line}`);
        expect(new Set(places ?? ['c.json:1'])).toEqual(new Set(['c.json:1']));
      }),
      { numRuns: 150 },
    );
  });
});

type Path = readonly (string | number)[];

const everyPath = (value: unknown, path: Path = []): Path[] =>
  typeof value !== 'object' || value === null
    ? [path]
    : [
        ...(path.length > 0 ? [path] : []),
        ...Object.entries(value).flatMap(([key, child]) =>
          everyPath(child, [...path, Array.isArray(value) ? Number(key) : key]),
        ),
      ];

function replaced(at: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined || typeof at !== 'object' || at === null) return value;
  const entries = Object.entries(at).map(([name, child]) => [
    name,
    name === String(key) ? replaced(child, rest, value) : child,
  ]);
  return Array.isArray(at) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}
