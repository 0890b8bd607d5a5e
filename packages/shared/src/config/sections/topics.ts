// Config section `topics`: how topics are made that do not exist yet. An existing topic is never altered.
import { z } from 'zod';
import type { TopicSettings } from '../../topics/topic-definition.ts';
import { fieldFacts, isTopicName, wholeNumber } from '../fields.ts';

/** Topics whose settings differ from `default` without a word in the file. */
export const builtInTopics = {
  'wildfire-weather-data': { partitions: 8 },
  'wildfire-iot-sensors': { partitions: 12 },
  'wildfire-nasa-firms': { partitions: 4 },
} as const satisfies Record<string, Partial<TopicSettings>>;

const basis: TopicSettings = { partitions: 4, replicationFactor: -1, retentionMs: 604_800_000, config: {} };

const kafkaValue = z
  .union([z.string().max(4_096), z.number(), z.boolean()])
  .transform(String)
  .describe("A value of one of Kafka's topic settings.")
  .register(fieldFacts, { expects: 'a text, a number, true or false' });

const kafkaSettings = z
  .record(z.string(), kafkaValue)
  .describe(
    "Kafka's own topic settings by their names, such as `cleanup.policy: compact`; added to those of `default`.",
  )
  .register(fieldFacts, { expects: "a map of Kafka's topic settings" });

const topic = z
  .strictObject({
    partitions: wholeNumber(
      'Partitions. Built in: 4, and 8 for `wildfire-weather-data`, 12 for `wildfire-iot-sensors`.',
      { min: 1, max: 10_000, unit: 'partitions' },
    ).optional(),
    replicationFactor: z
      .number()
      .int()
      .min(-1)
      .max(1_000)
      .refine((value) => value !== 0, { params: { plain: true } })
      .describe("Copies of each partition; −1 takes the broker's default, which is what is built in.")
      .register(fieldFacts, { expects: "a whole number from 1 to 1,000 (copies), or -1 for the broker's default" })
      .optional(),
    retentionMs: z
      .number()
      .int()
      .min(-1)
      .refine((value) => value !== 0, { params: { plain: true } })
      .describe('Time that Kafka keeps records; −1 for ever. Built in: 604,800,000 (7 days).')
      .register(fieldFacts, { expects: 'a whole number from 1 (milliseconds), or -1 for ever' })
      .optional(),
    config: kafkaSettings.optional(),
  })
  .describe('One topic. What it leaves out is taken from `default`.')
  .register(fieldFacts, { expects: 'a map with partitions, replicationFactor, retentionMs, config' });

export const topicsSchema = z
  .record(
    z
      .string()
      .refine(isTopicName, { params: { plain: true } })
      .register(fieldFacts, {
        expects: 'a topic name: 1 to 249 letters, digits, dots, underscores or hyphens, but not "." or ".."',
      }),
    topic,
  )
  .register(fieldFacts, { expects: 'a map of topic names', builtInNames: ['default', ...Object.keys(builtInTopics)] })
  .transform(resolveTopics)
  .describe(
    'How topics are made that do not exist yet, by name; `default` serves all others. An existing topic is never altered, differences are shown.',
  )
  .prefault({});

type TopicEntry = z.output<typeof topic>;

function resolveTopics(entries: Readonly<Record<string, TopicEntry>>): Record<string, TopicSettings> {
  const fallback = over(basis, Object.hasOwn(entries, 'default') ? entries.default : undefined);
  const names = new Set(['default', ...Object.keys(builtInTopics), ...Object.keys(entries)]);
  const resolved: [string, TopicSettings][] = [];
  for (const name of names) {
    const builtIn = new Map<string, Partial<TopicSettings>>(Object.entries(builtInTopics)).get(name);
    const own = Object.hasOwn(entries, name) ? entries[name] : undefined;
    resolved.push([name, name === 'default' ? fallback : over(over(fallback, builtIn), own)]);
  }
  return Object.fromEntries(resolved);
}

const over = (base: TopicSettings, entry: TopicEntry | Partial<TopicSettings> | undefined): TopicSettings => ({
  partitions: entry?.partitions ?? base.partitions,
  replicationFactor: entry?.replicationFactor ?? base.replicationFactor,
  retentionMs: entry?.retentionMs ?? base.retentionMs,
  config: { ...base.config, ...entry?.config },
});
