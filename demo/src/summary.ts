// The end of a demo run: what the providers served against what stands in Kafka, topic by topic.
import { type Comparison, compareServedWithStored } from '@stream-manager/testkit/accounting/compare';
import type { RecordKind } from '@stream-manager/testkit/accounting/expected-record';
import { formatComparison } from '@stream-manager/testkit/accounting/format-comparison';
import { ofKind } from '@stream-manager/testkit/accounting/of-kind';
import { type PartitionOffset, readTopics } from '@stream-manager/testkit/accounting/read-topics';
import type { Providers } from '@stream-manager/testkit/providers/server';

/** Where the demo's records go (config/demo.yaml sets these as `topic` of the sources). */
export const demoTopics = {
  firms: 'wildfire-nasa-firms',
  station: 'wildfire-weather-data',
  alert: 'wildfire-weather-alerts',
  purpleair: 'wildfire-iot-sensors',
} as const satisfies Partial<Record<RecordKind, string>>;

/** A comparison and its text. */
export interface Summary {
  readonly comparison: Comparison;
  readonly text: string;
}

/** Reads the topics from where they ended when the run began, and compares. */
export const summarise = async (
  brokers: readonly string[],
  providers: Providers,
  startOffsets: readonly PartitionOffset[],
): Promise<Summary> => {
  const stored = await readTopics({ brokers, topics: Object.values(demoTopics), from: startOffsets });
  const comparison = compareServedWithStored({
    served: providers.ledger.served(),
    offered: providers.ledger.offered(),
    stored,
    topicOf: (kind) => ofKind(demoTopics, kind),
  });
  const malformed = providers.ledger.malformed().length;
  const rows =
    malformed === 0 ? '' : `\n${malformed} malformed rows were served; each lies in a dead-letter queue, once.`;
  return { comparison, text: `${formatComparison(comparison)}${rows}` };
};
