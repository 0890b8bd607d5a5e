// The load of the old system's measurement: 20,000 records, 60 % from IoT devices, 25 % weather, 15 % FIRMS, interleaved record
// by record over sources that are routed in every way. There, 7,650 of them came into a wrong topic.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomOf, seedOf } from '@stream-manager/testkit/providers/random';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { pushToken } from './pushed-rows.ts';
import { openSystem } from './system.ts';

type Data = Readonly<Record<string, unknown>>;

/** A source: its share of the records in percent, what its records hold, and the topic that each belongs in. */
interface MixedSource {
  readonly id: string;
  readonly percent: number;
  readonly config?: Data;
  readonly records: readonly { readonly data: Data; readonly topic: string }[];
}

const root = join(import.meta.dirname, '../..');
const total = 20_000;
const parts = 100;

/** Topics of the shipped example by source id. */
const example: Readonly<Record<string, { readonly topic: string }>> = parse(
  await readFile(join(root, 'config/stream.example.yaml'), 'utf8'),
).sources;
const shipped = (id: string): string => example[id]?.topic ?? '';

/** `own` makes topics that no other test has. */
const sourcesOf = (own: (name: string) => string): readonly MixedSource[] => {
  const plain = (topic: string, data: Data = {}) => [{ data, topic }];
  const fixed = (id: string, percent: number): MixedSource => ({
    id,
    percent,
    config: { topic: shipped(id) },
    records: plain(shipped(id)),
  });
  return [
    // IoT, 60 %.
    fixed('purpleair-california', 15),
    { id: 'iot-gateway', percent: 20, records: plain('wildfire-iot-sensors', { temperature: 21 }) },
    { id: 'sensor_mesh', percent: 10, records: plain('wildfire-iot-sensors') },
    { id: 'custom-devices', percent: 10, records: plain(own('custom')) },
    // In neither table: the default.
    { id: 'rain-gauges', percent: 5, records: plain(own('default')) },
    // Weather, 25 %: some of one source are alerts by what they say, the others go by its id.
    fixed('noaa-stations-california', 6),
    fixed('noaa-alerts-california', 4),
    {
      id: 'noaa-coast',
      percent: 10,
      records: [
        { data: { event: 'Red Flag Warning' }, topic: 'wildfire-weather-alerts' },
        { data: { event: 'Wind Advisory' }, topic: 'wildfire-weather-data' },
        { data: { alert_id: 'urn:1' }, topic: 'wildfire-alerts-generated' },
        { data: { kind: 'gale' }, topic: own('rules') },
        { data: {}, topic: 'wildfire-weather-data' },
      ],
    },
    { id: 'wx-mountains', percent: 5, records: plain(own('patterns')) },
    // FIRMS, 15 %.
    fixed('firms-california', 6),
    fixed('firms-modis-california', 4),
    {
      id: 'firms-landsat',
      percent: 5,
      records: [
        { data: {}, topic: 'wildfire-nasa-firms' },
        { data: { dataType: 'satellite_image' }, topic: 'wildfire-satellite-imagery' },
      ],
    },
  ];
};

it('20,000 records, interleaved over twelve sources and every way of routing: none in a wrong topic', async () => {
  const run = randomUUID().slice(0, 8);
  const own = (name: string): string => `mixed-${run}-${name}`;
  const mixed = sourcesOf(own);
  const topics = [...new Set(mixed.flatMap(({ records }) => records.map(({ topic }) => topic)))];
  await using system = await openSystem(
    {
      // All that may be written to is read.
      topics: () => ({ pushed: own('default') }),
      priorities: { pushed: 'normal' },
      sourceIdsOf: () => [],
      env: { TEST_PUSH_TOKEN: pushToken },
      moreTopics: topics,
      sources: () =>
        Object.fromEntries(
          mixed.map(({ id, config = {} }) => [
            id,
            { type: 'push', params: { token: '${TEST_PUSH_TOKEN}', id: 'number', time: 'at' }, ...config },
          ]),
        ),
    },
    {
      redisUrl: inject('redisUrl'),
      kafkaBrokers: inject('kafkaBrokers'),
      config: {
        routing: {
          custom: { 'custom-devices': own('custom') },
          rules: [{ when: { field: 'kind', equals: 'gale' }, topic: own('rules') }],
          patterns: [{ match: '^wx_mountains$', topic: own('patterns') }],
          default: own('default'),
        },
      },
    },
  );
  const [, ...pollers] = await Promise.all([
    system.start('scheduler'),
    system.start('poller-worker'),
    system.start('poller-worker'),
    system.start('producer-worker'),
    system.start('producer-worker'),
  ]);
  const addresses = await Promise.all(pollers.slice(0, 2).map((poller) => poller.url()));

  // Every part has its share of each source, in an order of its own; each sender's next rows go out with the others'.
  const random = randomOf(seedOf('mixed load', 1));
  const belongs = new Map<number, { readonly sourceId: string; readonly topic: string }>();
  let number = 0;
  const push = async (id: string, count: number, at: number): Promise<void> => {
    const source = mixed.find((one) => one.id === id)!;
    const rows = Array.from({ length: count }, () => {
      number += 1;
      const { data, topic } = random.pick(source.records);
      belongs.set(number, { sourceId: id, topic });
      return { number, at: new Date(1_767_517_200_000 + number * 1000).toISOString(), run, ...data };
    });
    const response = await fetch(`${addresses[at % 2]}/ingest/${id}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${pushToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(rows),
    });
    expect(response.status, await response.text()).toBe(202);
  };
  for (let part = 0; part < parts; part += 1) {
    const order = mixed.map(({ id, percent }) => [random.next(), id, percent] as const);
    const sent = order
      .toSorted(([one], [other]) => one - other)
      // Twice, so that sources alternate within a part.
      .flatMap(([, id, percent]) => [percent, percent].map((count) => ({ id, count })));
    await Promise.all(sent.map(({ id, count }, at) => push(id, (count * total) / (200 * parts), part + at)));
  }
  expect(number).toBe(total);
  const api = await system.api();
  await waitUntil(
    'all to be published',
    async () => (await api.streams()).streams.reduce((sum, { published }) => sum + published, 0) >= total,
    { timeoutMs: 120_000, intervalMs: 200 },
  );
  await system.drain();

  const stored = (await system.stored()).map(({ topic, headers, value }) => ({
    topic,
    sourceId: headers['source-id'],
    // What is no envelope has no run, and is another test's.
    data: (value as { readonly data?: Data } | null)?.data ?? {},
  }));
  const ours = stored.filter(({ data }) => data['run'] === run);
  const wrong = ours.filter(({ topic, sourceId, data }) => {
    const home = belongs.get(Number(data['number']));
    return home?.topic !== topic || home.sourceId !== sourceId;
  });
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(new Set(ours.map(({ data }) => data['number'])).size).toBe(total);
  expect(ours.length).toBe(total);
  expect(new Set(ours.map(({ topic }) => topic))).toEqual(new Set(topics));
});
