import { configSchema } from '@stream-manager/shared/config/schema';
import { resolveQueue } from '@stream-manager/shared/config/sections/queue';
import { describe, expect, it } from 'vitest';
import { loadText, smallSource } from './config-file.ts';

describe('a config that says nothing', () => {
  it('has the defaults of the design', () => {
    const week = { replicationFactor: -1, retentionMs: 604_800_000, config: {} };
    expect(configSchema.parse({})).toEqual({
      redis: { url: 'redis://127.0.0.1:6379', keyPrefix: 'sm', highWater: 0.75, allowUnsafe: false },
      kafka: {
        client: 'kafkajs',
        brokers: ['127.0.0.1:9092'],
        clientId: 'stream-manager',
        compression: 'gzip',
        acks: 'all',
        idempotent: false,
        batchSize: 500,
        batchTimeoutMs: 5_000,
        ssl: false,
        sasl: null,
      },
      polling: { concurrency: 32, maxResponseBytes: 67_108_864, cacheMaxBytes: 67_108_864 },
      throttling: {
        enabled: true,
        consumerGroups: 'auto',
        minSendRate: 10,
        maxSendRate: 100_000,
        targetConsumerLag: { kind: 'time', ms: 15_000 },
        criticalConsumerLag: { kind: 'time', ms: 60_000 },
        adjustmentFactor: 1.5,
        windowSeconds: 60,
        sampleIntervalMs: 1_000,
        baseDelayMs: 1_000,
        maxDelayMs: 16_000,
        recoveryChecks: 10,
      },
      queue: {
        maxRecords: 10_000,
        overflow: 'backpressure',
        agingSeconds: 60,
        admitWaitMs: 2_000,
        dedupeMaxIds: 2_000_000,
        keepDropped: false,
      },
      delivery: {
        maxAttempts: 3,
        backoffMs: [1_000, 2_000, 4_000, 8_000, 16_000],
        jitter: 0,
        ordering: 'none',
        destinationGraceMs: 300_000,
        maxOpenQueues: 200,
        circuitBreaker: { enabled: true, threshold: 5, resetMs: 10_000 },
        deadLetters: { keepDays: 14, maxRecords: 100_000, maxBytes: 268_435_456, maxInvalidShare: 0.5 },
      },
      topics: {
        default: { partitions: 4, ...week },
        'wildfire-weather-data': { partitions: 8, ...week },
        'wildfire-iot-sensors': { partitions: 12, ...week },
        'wildfire-nasa-firms': { partitions: 4, ...week },
      },
      routing: { custom: {}, rules: [], patterns: [], default: 'wildfire-data' },
      shutdown: { graceMs: 25_000 },
      sources: {},
    });
  });

  it('reserves 500 of 10,000 records and makes chunks of 500', () => {
    expect(resolveQueue(configSchema.parse({}).queue)).toMatchObject({ criticalReserve: 500, chunkSize: 500 });
  });

  it('takes the very config of the design', () => {
    const written = {
      redis: { url: 'redis://127.0.0.1:6379', keyPrefix: 'sm', highWater: 0.75, allowUnsafe: false },
      kafka: {
        client: 'kafkajs',
        brokers: ['127.0.0.1:9092'],
        clientId: 'stream-manager',
        compression: 'gzip',
        acks: 'all',
        batchSize: 500,
        batchTimeoutMs: 5000,
        ssl: false,
        sasl: null,
      },
      polling: { concurrency: 32, maxResponseBytes: 67108864, cacheMaxBytes: 67108864 },
      throttling: {
        enabled: true,
        consumerGroups: 'auto',
        minSendRate: 10,
        maxSendRate: 100000,
        targetConsumerLag: '15s',
        criticalConsumerLag: '60s',
        adjustmentFactor: 1.5,
        windowSeconds: 60,
        sampleIntervalMs: 1000,
        baseDelayMs: 1000,
        maxDelayMs: 16000,
        recoveryChecks: 10,
      },
      queue: {
        maxRecords: 10000,
        criticalReserve: 500,
        overflow: 'backpressure',
        chunkSize: 500,
        agingSeconds: 60,
        admitWaitMs: 2000,
        dedupeMaxIds: 2000000,
        keepDropped: false,
      },
      topics: {
        default: { partitions: 4, replicationFactor: -1, retentionMs: 604800000, config: {} },
        'wildfire-weather-data': { partitions: 8 },
        'wildfire-iot-sensors': { partitions: 12 },
        'wildfire-nasa-firms': { partitions: 4 },
      },
    };
    const { queue, ...config } = configSchema.parse(written);
    const { queue: standard, ...standards } = configSchema.parse({});
    expect(config).toEqual(standards);
    expect(resolveQueue(queue)).toEqual(resolveQueue(standard));
  });
});

describe('defaults by type', () => {
  it.each([
    {
      type: 'nasa-firms',
      params: { mapKey: 'a', bbox: [1, 2, 3, 4] },
      mode: 'real-time',
      priority: 'high',
      corrections: 'publish',
      baseUrl: 'https://firms.modaps.eosdis.nasa.gov',
    },
    {
      type: 'noaa-stations',
      params: { state: 'CA' },
      mode: 'real-time',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: 'https://api.weather.gov',
    },
    {
      type: 'noaa-alerts',
      params: { area: 'CA' },
      mode: 'real-time',
      priority: 'high',
      corrections: 'publish',
      baseUrl: 'https://api.weather.gov',
    },
    {
      type: 'noaa-forecasts',
      params: { gridpoints: ['LOX/1,2'] },
      mode: 'batch',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: 'https://api.weather.gov',
    },
    {
      type: 'purpleair',
      params: { apiKey: 'a', bbox: [1, 2, 3, 4] },
      mode: 'real-time',
      priority: 'normal',
      corrections: 'ignore',
      baseUrl: 'https://api.purpleair.com',
    },
    {
      type: 'airnow',
      params: { apiKey: 'a', zipCodes: ['90012'] },
      mode: 'batch',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: 'https://www.airnowapi.org',
    },
    {
      type: 'metar',
      params: { stations: ['KLAX'] },
      mode: 'real-time',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: 'https://aviationweather.gov',
    },
    {
      type: 'mqtt',
      params: { url: 'mqtt://a', topics: ['a'] },
      mode: 'continuous',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: undefined,
    },
    {
      type: 'http',
      given: { baseUrl: 'https://api.example.org' },
      params: { time: 't' },
      mode: 'real-time',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: 'https://api.example.org',
    },
    {
      type: 'custom',
      params: { module: './my-source.ts' },
      mode: 'real-time',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: undefined,
    },
    {
      type: 'push',
      params: { token: 'a-token-of-24-characters' },
      mode: 'continuous',
      priority: 'normal',
      corrections: 'publish',
      baseUrl: undefined,
    },
  ])('of $type', ({ type, params, given, ...defaults }) => {
    const source = configSchema.parse({ sources: { one: { type, params, ...given } } }).sources.one;
    expect(source).toMatchObject({
      enabled: true,
      rateLimitPerMinute: 60,
      timeoutSeconds: 30,
      cacheTtlSeconds: 60,
      headers: {},
    });
    expect({
      mode: source?.mode,
      priority: source?.priority,
      corrections: source?.corrections,
      baseUrl: source?.baseUrl,
    }).toEqual(defaults);
  });

  it.each([
    { lines: 'mode: batch', everyMs: 3_600_000 },
    { lines: 'mode: real-time', everyMs: 30_000 },
    { lines: 'mode: continuous', everyMs: 1_000 },
    { lines: 'mode: continuous, every: 2.5s', everyMs: 2_500 },
  ])('of the period: $lines', async ({ lines, everyMs }) => {
    const { config } = await loadText(`sources: { a: { type: metar, ${lines}, params: { stations: [KLAX] } } }`);
    expect(config.sources.a).toMatchObject({ everyMs });
    expect(config.sources.a).not.toHaveProperty('cron');
  });

  it('of a cron expression: UTC, and no period', async () => {
    const { config } = await loadText(
      'sources: { a: { type: metar, cron: "*/5 * * * *", params: { stations: [KLAX] } } }',
    );
    expect(config.sources.a).toMatchObject({ cron: '*/5 * * * *', tz: 'UTC' });
    expect(config.sources.a).not.toHaveProperty('everyMs');
  });

  it('of PurpleAir fields: what the record needs, and always time and place', async () => {
    const { config } = await loadText(
      'sources: { a: { type: purpleair, params: { apiKey: k, bbox: [1, 2, 3, 4], fields: [pm2.5, latitude] } } }',
    );
    expect(config.sources.a).toMatchObject({ params: { fields: ['last_seen', 'latitude', 'longitude', 'pm2.5'] } });
  });
});

describe('topics', () => {
  it('take what they leave out from the built-in entry, then from default', async () => {
    const { config } = await loadText(`topics:
  default: { partitions: 2, retentionMs: 1000, config: { a: 1, b: true } }
  wildfire-iot-sensors: { retentionMs: -1 }
  mine: { config: { a: x } }
${smallSource}`);
    expect(config.topics['wildfire-iot-sensors']).toEqual({
      partitions: 12,
      replicationFactor: -1,
      retentionMs: -1,
      config: { a: '1', b: 'true' },
    });
    expect(config.topics.mine).toEqual({
      partitions: 2,
      replicationFactor: -1,
      retentionMs: 1_000,
      config: { a: 'x', b: 'true' },
    });
  });
});

describe('addresses', () => {
  it('lose the slash at their end, and nothing else', async () => {
    const { config } = await loadText(`${smallSource}    baseUrl: http://[::1]:8080/\n`);
    expect(config.sources.firms?.baseUrl).toBe('http://[::1]:8080');
  });

  it('of brokers may be one text with commas', async () => {
    const { config } = await loadText(`kafka: { brokers: "a:1, [::1]:2" }\n${smallSource}`);
    expect(config.kafka.brokers).toEqual(['a:1', '[::1]:2']);
  });
});

describe('idempotence', () => {
  it.each([
    { kafka: {}, idempotent: false },
    { kafka: { idempotent: false }, idempotent: false },
    { kafka: { client: 'platformatic' }, idempotent: true },
    { kafka: { client: 'platformatic', idempotent: false }, idempotent: false },
  ])('is $idempotent for $kafka', ({ kafka, idempotent }) => {
    expect(configSchema.parse({ kafka }).kafka.idempotent).toBe(idempotent);
  });

  it('is refused with kafkajs by the schema itself', () => {
    expect(configSchema.safeParse({ kafka: { idempotent: true } }).success).toBe(false);
  });
});
