import { formatConfigError } from '@stream-manager/shared/config/format-config-error';
import { snakeCase } from '@stream-manager/shared/config/key-spelling';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issuesOf, loadText, refusalOf, smallSource } from './config-file.ts';
import { fullConfig, namedMaps } from './full-config.ts';

describe('keys in camelCase and in snake_case', () => {
  it('give the same config and the same version, in any mixture', { timeout: 60_000 }, async () => {
    const plain = await loadText(JSON.stringify(fullConfig), { name: 'c.json' });
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.boolean()), async (coins) => {
        const text = JSON.stringify(respelled(fullConfig, '', coins));
        const { config, version } = await loadText(text, { name: 'c.json' });
        expect(config).toEqual(plain.config);
        expect(version).toBe(plain.version);
      }),
    );
  });

  it('give the same config when all are in snake_case', async () => {
    const text = JSON.stringify(respelled(fullConfig, '', always()));
    expect(text).toContain('"dedupe_max_ids"');
    expect(text).not.toContain('"dedupeMaxIds"');
    const plain = await loadText(JSON.stringify(fullConfig), { name: 'c.json' });
    expect((await loadText(text, { name: 'c.json' })).config).toEqual(plain.config);
  });

  it('never touch names of the user', async () => {
    const { config } = await loadText(`
topics: { myTopic: { config: { someThing: a, some_thing: b } } }
routing: { custom: { my_Source: myTopic } }
sources:
  my_Source: { type: metar, params: { stations: [KSFO] }, headers: { X_My_Header: a, xMyHeader: b } }
  mySource: { type: http, baseUrl: 'http://a', params: { time: t, request: { query: { maxRecords: 1, max_records: 2 } } } }
`);
    expect(config.topics.myTopic?.config).toEqual({ someThing: 'a', some_thing: 'b' });
    expect(config.routing.custom).toEqual({ my_Source: 'myTopic' });
    expect(config.sources.my_Source?.headers).toEqual({ X_My_Header: 'a', xMyHeader: 'b' });
    expect(config.sources.mySource).toMatchObject({
      params: { request: { query: { maxRecords: 1, max_records: 2 } } },
    });
  });

  it('may stand without a value where a section is meant', async () => {
    const { config } = await loadText(`queue:\ndelivery:\n  circuitBreaker:\nrouting:\n  custom:\n${smallSource}`);
    expect(config.queue.maxRecords).toBe(10_000);
    expect(config.delivery.circuitBreaker.threshold).toBe(5);
  });
});

describe('an unknown key', () => {
  it.each([
    { text: 'qeue: {}', line: 1, path: 'qeue', nearest: 'queue' },
    { text: 'queue:\n  maxrecords: 5', line: 2, path: 'queue.maxrecords', nearest: 'maxRecords' },
    { text: 'queue:\n  max-records: 5', line: 2, path: 'queue.max-records', nearest: 'maxRecords' },
    { text: 'queue:\n  Max_Records: 5', line: 2, path: 'queue.Max_Records', nearest: 'maxRecords' },
    { text: `${smallSource}    evry: 15m`, line: 6, path: 'sources.firms.evry', nearest: 'every' },
    { text: smallSource.replace('bbox', 'bounds'), line: 5, path: 'sources.firms.params.bounds', nearest: undefined },
    { text: smallSource.replace('mapKey', 'mapKye'), line: 5, path: 'sources.firms.params.mapKye', nearest: 'mapKey' },
    {
      text: 'delivery:\n  circuitBreaker:\n    treshold: 5',
      line: 3,
      path: 'delivery.circuitBreaker.treshold',
      nearest: 'threshold',
    },
    { text: 'topics:\n  a: { partition: 5 }', line: 2, path: 'topics.a.partition', nearest: 'partitions' },
    {
      text: 'routing:\n  rules:\n    - when: { feild: a, exists: true }\n      topic: b',
      line: 3,
      path: 'routing.rules[0].when.feild',
      nearest: 'field',
    },
    { text: 'kafka:\n  ssl: { cer: a }', line: 2, path: 'kafka.ssl.cer', nearest: 'cert' },
    { text: `${smallSource}    time_out: 5`, line: 6, path: 'sources.firms.time_out', nearest: 'timeoutSeconds' },
    {
      text: 'throttling:\n  targetLag: 5',
      line: 2,
      path: 'throttling.targetLag',
      nearest: 'targetConsumerLag',
    },
    { text: 'target_consumer_lag: 5', line: 1, path: 'target_consumer_lag', nearest: 'throttling.targetConsumerLag' },
    { text: 'throttling:\n  brokers: a', line: 2, path: 'throttling.brokers', nearest: 'kafka.brokers' },
    { text: 'kafka:\n  bootstrap_servers: a', line: 2, path: 'kafka.bootstrap_servers', nearest: 'kafka.brokers' },
    {
      text: `${smallSource}    source_type: a`,
      line: 6,
      path: 'sources.firms.source_type',
      nearest: 'sources.firms.type',
    },
    {
      text: `${smallSource}    polling_interval_seconds: 5`,
      line: 6,
      path: 'sources.firms.polling_interval_seconds',
      nearest: 'sources.firms.every',
    },
  ])('$path is an error that names $nearest and line $line', async ({ text, line, path, nearest }) => {
    const issues = await issuesOf(text);
    const issue = issues.find((one) => one.path === path);
    expect(issue).toMatchObject({ line });
    expect(issue?.message).toContain('unknown key');
    expect(issue?.nearest).toBe(nearest);
  });

  it('is printed as one line with file, line, column and key', async () => {
    const error = await refusalOf(loadText(`${smallSource}    evry: 15m\n`));
    expect(error).toMatchObject({ code: 'config_invalid', name: 'ConfigError' });
    expect(formatConfigError(error)).toBe('stream.yaml:6:5  sources.firms.evry  unknown key. Did you mean "every"?');
  });

  it('is one in JSON as well, with its line', async () => {
    const issues = await issuesOf('{\n\t"queue": {\n\t\t"maxRecord": 5\n\t}\n}\n', { name: 'c.json' });
    expect(issues).toMatchObject([
      { file: 'c.json', line: 3, column: 3, path: 'queue.maxRecord', nearest: 'maxRecords' },
    ]);
  });

  it('given in both spellings is given twice', async () => {
    const issues = await issuesOf('queue:\n  maxRecords: 5\n  max_records: 6\n');
    expect(issues).toMatchObject([{ line: 3, path: 'queue.maxRecords' }]);
    expect(issues[0]?.message).toBe('is given twice (as camelCase and snake_case), first in line 2');
  });
});

/** The value with keys of the schema in snake_case wherever a coin says so. */
function respelled(value: unknown, path: string, coins: Iterator<boolean>): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => respelled(item, path, coins));
  if (typeof value !== 'object' || value === null) return value;
  const isNamed = namedMaps.some((pattern) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`).test(path),
  );
  // `params.fields` is a map of the user's names for type http only; purpleair has a list there.
  const entries = Object.entries(value).map(([key, child]) => {
    const spelled = !isNamed && coins.next().value === true ? snakeCase(key) : key;
    return [spelled, respelled(child, path === '' ? key : `${path}.${key}`, coins)];
  });
  return Object.fromEntries(entries);
}

function* always(): Generator<boolean> {
  while (true) yield true;
}
