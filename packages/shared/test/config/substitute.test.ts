import { describe, expect, it } from 'vitest';
import { issuesOf, loadText } from './config-file.ts';

const firms = (extra: string, key = '${KEY}') => `
sources:
  firms:
    type: nasa-firms
    ${extra}
    params: { mapKey: "${key}", bbox: [-124, 32, -114, 42] }
`;

describe('${NAME}', () => {
  it('is the variable, anywhere in a text', async () => {
    const { config } = await loadText(firms('topic: a-${ENV}-${ENV}.x', 'k-${KEY}'), { env: { KEY: 'v', ENV: 'dev' } });
    expect(config.sources.firms).toMatchObject({ topic: 'a-dev-dev.x', params: { mapKey: 'k-v' } });
  });

  it.each([
    { text: '$${KEY}', value: '${KEY}' },
    { text: 'a$${b}', value: 'a${b}' },
    { text: '$$${KEY}', value: '$${KEY}' },
    { text: '$KEY $ {KEY} {{since}}', value: '$KEY $ {KEY} {{since}}' },
  ])('$text is the text $value', async ({ text, value }) => {
    const { config } = await loadText(firms('enabled: true', text), { env: { KEY: 'v' } });
    expect(config.sources.firms).toMatchObject({ params: { mapKey: value } });
  });

  it('is not looked for in the values of variables', async () => {
    const { config } = await loadText(firms('enabled: true'), { env: { KEY: '${OTHER}', OTHER: 'x' } });
    expect(config.sources.firms).toMatchObject({ params: { mapKey: '${OTHER}' } });
  });

  it('alone in a field that takes more than text is read as YAML', async () => {
    const text = `
queue: { maxRecords: "\${MAX}" }
throttling: { targetConsumerLag: "\${LAG}", consumerGroups: "\${GROUPS}" }
kafka: { brokers: "\${BROKERS}", clientId: "\${ID}" }
sources:
  firms:
    type: nasa-firms
    enabled: \${ON}
    params: { mapKey: "\${NUMBER}", bbox: "\${BBOX}" }
`;
    const env = {
      MAX: '500',
      LAG: '20s',
      GROUPS: '[a, b]',
      BROKERS: 'a:1,b:2',
      ID: '42',
      ON: 'true',
      NUMBER: '7',
      BBOX: '[-1, -2, 3, 4]',
    };
    const { config } = await loadText(text, { env });
    expect(config.queue.maxRecords).toBe(500);
    expect(config.throttling).toMatchObject({
      targetConsumerLag: { kind: 'time', ms: 20_000 },
      consumerGroups: ['a', 'b'],
    });
    expect(config.kafka).toMatchObject({ brokers: ['a:1', 'b:2'], clientId: '42' });
    expect(config.sources.firms).toMatchObject({ enabled: true, params: { mapKey: '7', bbox: [-1, -2, 3, 4] } });
  });

  it('of a number that is none is an error at its line, without the value', async () => {
    const issues = await issuesOf('queue:\n  maxRecords: ${MAX}\n', { env: { MAX: 's3cret' } });
    expect(issues).toMatchObject([{ line: 2, path: 'queue.maxRecords', found: '***' }]);
    expect(JSON.stringify(issues)).not.toContain('s3cret');
  });

  it.each([
    { text: '${' },
    { text: '${}' },
    { text: '${A-B}' },
    { text: '${1A}' },
    { text: 'a ${NAME' },
    { text: '${ NAME }' },
  ])('$text is refused as no name', async ({ text }) => {
    const issues = await issuesOf(firms('enabled: true', text), { env: { NAME: 'x' } });
    expect(issues).toMatchObject([{ line: 6, path: 'sources.firms.params.mapKey' }]);
    expect(issues[0]?.message).toContain('Write $${ for a literal ${');
  });
});

describe('a variable without a value', () => {
  it('is an error outside sources, whatever the process', async () => {
    for (const secrets of ['required', 'optional'] as const) {
      const issues = await issuesOf(
        'kafka:\n  sasl:\n    mechanism: plain\n    username: me\n    password: ${KAFKA_PASSWORD}\n',
        { secrets },
      );
      expect(issues).toMatchObject([{ line: 5, path: 'kafka.sasl.password', found: 'no such variable' }]);
      expect(issues[0]?.message).toBe(
        'the environment variable KAFKA_PASSWORD is not set. Set it (export KAFKA_PASSWORD=…, or KAFKA_PASSWORD_FILE=… for a file that holds it), or write the value into the file',
      );
    }
  });

  it('is an error for an enabled source of a process that needs it, naming variable, key and what to do', async () => {
    const issues = await issuesOf(firms('baseUrl: ${ADDRESS}'));
    expect(issues).toMatchObject([
      { line: 5, path: 'sources.firms.baseUrl' },
      { line: 6, path: 'sources.firms.params.mapKey', expected: 'a value in the environment variable KEY' },
    ]);
    expect(issues[1]?.message).toBe(
      'the environment variable KEY is not set. Set it (export KEY=…, or KEY_FILE=… for a file that holds it), or set enabled: false for source firms',
    );
  });

  it('counts as missing when it is empty', async () => {
    const issues = await issuesOf(firms('enabled: true'), { env: { KEY: '' } });
    expect(issues).toMatchObject([{ found: 'an empty variable' }]);
    expect(issues[0]?.message).toContain('KEY is empty');
  });

  it('stays as it is in what only pollers read, in a process that does not need it', async () => {
    const access = 'auth: { type: bearer, token: "${BEARER}" }\n    tls: { ca: "${CA}" }';
    const text = firms(`baseUrl: \${ADDRESS}\n    headers: { X-Token: "a \${TOKEN}" }\n    ${access}`);
    const { config } = await loadText(text, { secrets: 'optional' });
    expect(config.sources.firms).toMatchObject({
      baseUrl: '${ADDRESS}',
      headers: { 'X-Token': 'a ${TOKEN}' },
      auth: { token: '${BEARER}' },
      tls: { ca: '${CA}' },
      params: { mapKey: '${KEY}' },
    });
  });

  it('is filled in where it is set, also in a process that does not need it', async () => {
    const { config } = await loadText(firms('baseUrl: ${ADDRESS}'), {
      secrets: 'optional',
      env: { ADDRESS: 'http://a:1/' },
    });
    expect(config.sources.firms).toMatchObject({ baseUrl: 'http://a:1', params: { mapKey: '${KEY}' } });
  });

  it.each([
    'topic: ${X}',
    'every: ${X}',
    'priority: ${X}',
    'rateLimitPerMinute: ${X}',
    'partitionKey: ${X}',
    'enabled: ${X}',
  ])('cannot stay open in what every process reads: %s', async (line) => {
    const issues = await issuesOf(firms(line), { secrets: 'optional' });
    expect(issues).toMatchObject([{ line: 5 }]);
    expect(issues[0]?.message).toContain('Every process needs this value');
  });

  it('cannot stay open in params that are more than text', async () => {
    const text =
      'sources:\n  firms:\n    type: nasa-firms\n    params: { mapKey: a, bbox: "${BBOX}", dayRange: "${DAYS}" }\n';
    const issues = await issuesOf(text, { secrets: 'optional' });
    expect(issues.map(({ path }) => path)).toEqual(['sources.firms.params.bbox', 'sources.firms.params.dayRange']);
  });

  it('is no error in a disabled source, where values that cannot be known count as not written', async () => {
    const text = firms('enabled: false\n    every: ${EVERY}\n    rateLimitPerMinute: ${RATE}');
    const { config } = await loadText(text);
    expect(config.sources.firms).toMatchObject({
      enabled: false,
      everyMs: 30_000,
      rateLimitPerMinute: 60,
      params: { mapKey: '${KEY}' },
    });
  });

  it('disables a source through a variable as well', async () => {
    const { config } = await loadText(firms('enabled: ${ON}'), { env: { ON: 'false' } });
    expect(config.sources.firms?.enabled).toBe(false);
    const over = await loadText(firms('enabled: true'), { env: { STREAM__SOURCES__FIRMS__ENABLED: 'false' } });
    expect(over.config.sources.firms?.enabled).toBe(false);
  });

  it('is an error in a disabled source where something has to stand', async () => {
    const text =
      'sources:\n  firms:\n    type: nasa-firms\n    enabled: false\n    params: { mapKey: a, bbox: "${BBOX}" }\n';
    const issues = await issuesOf(text);
    expect(issues).toMatchObject([{ line: 5, path: 'sources.firms.params.bbox' }]);
    expect(issues[0]?.message).toContain('BBOX is not set');
  });

  it('cannot be the type of a source', async () => {
    const issues = await issuesOf('sources:\n  a:\n    type: ${TYPE}\n    params: {}\n', { env: { TYPE: 'http' } });
    expect(issues[0]).toMatchObject({ line: 3, path: 'sources.a.type' });
    expect(issues[0]?.message).toContain('must be written out');
  });

  it('that is left over in a variable does not pass for a value of a fixed form', async () => {
    const issues = await issuesOf(firms('baseUrl: ${ADDRESS}\n    topic: $${TOPIC}'), {
      env: { KEY: 'k', ADDRESS: '${OTHER}' },
    });
    expect(issues).toMatchObject([
      { line: 5, path: 'sources.firms.baseUrl', found: '***' },
      { line: 6, path: 'sources.firms.topic' },
    ]);
  });
});
