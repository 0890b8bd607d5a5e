// Drills around a topic: it is deleted under load; a record is too large for it.
import { endOffsets } from '@stream-manager/testkit/accounting/read-topics';
import { expectedContent } from '@stream-manager/testkit/providers/expected-content';
import { createTopic, deleteTopic } from '@stream-manager/testkit/stack/kafka-topics';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { type Drill, inFlight } from './drill.ts';
import type { Ground } from './ground.ts';

const deletedTopic: Drill = {
  name: 'topic-deleted',
  title: 'a topic is deleted under load (and made again by the scheduler); the other topic goes on',
  plan: { servers: { network: true }, load: { sensorIntervalSeconds: 10 } },
  harm: async (ground) => {
    const { network, direct } = ground.servers;
    // Held for a moment, so that all that was acknowledged can be read before it is gone; what is in flight meets no topic.
    network?.kafka.freeze();
    ground.keep(await ground.stored([ground.topics.firms]));
    await deleteTopic(direct.kafkaBrokers, ground.topics.firms);
    const doubled = await inFlight(ground, 2);
    network?.kafka.heal();
    ground.progress.healed();
    const before = await ground.progress.published();
    const deletedAt = performance.now();
    const isThere = async (): Promise<boolean> =>
      (await endOffsets({ brokers: direct.kafkaBrokers, topics: [ground.topics.firms] })).length > 0;
    await waitUntil('the topic to be made again', isThere, { timeoutMs: 180_000, intervalMs: 250 });
    const awaySeconds = (performance.now() - deletedAt) / 1_000;
    const others = (await ground.progress.published()) - before;
    await ground.publishes(3_000);
    return {
      doubled,
      note: `away for ${awaySeconds.toFixed(1)} s, meanwhile ${others} records published to the other topic`,
      problems: others === 0 ? ['the other topic did not go on'] : [],
    };
  },
};

/** What a lone record of an alert has on Kafka beside its value, uncompressed: batch 61, key 69, headers 67, framing 10. */
const besideValue = 207;

interface Poison {
  /** For `max.message.bytes`. */
  readonly limit: number;
  /** Natural keys of the alerts that are larger. */
  readonly tooLarge: ReadonlySet<string>;
}

/** A limit that a few alerts are above and all others below: in the widest gap between two sizes near the top. */
const poisonOf = (ground: Ground): Poison => {
  const sized = ground.load.providers.world.alerts
    .active(ground.load.startedAt)
    .map((alert) => {
      const { type, observedAt, data } = expectedContent(alert);
      const times = { observedAt, ingestedAt: observedAt };
      const envelope = { id: 'x'.repeat(22), sourceId: 'alerts', type, ...times, priority: 'normal', data };
      return {
        key: alert.naturalKey,
        bytes: Buffer.byteLength(JSON.stringify(envelope)) + priorityBytes(alert.severity),
      };
    })
    .sort((one, other) => other.bytes - one.bytes);
  let best = { gap: 0, limit: 0, count: 0 };
  for (let count = 1; count <= 60; count += 1) {
    const [above = 0, below = 0] = [sized[count - 1]?.bytes, sized[count]?.bytes];
    const limit = Math.floor((above + below) / 2) + besideValue;
    if (above - below > best.gap) best = { gap: above - below, limit, count };
  }
  return { limit: best.limit, tooLarge: new Set(sized.slice(0, best.count).map(({ key }) => key)) };
};

/** How much longer the name of the raised priority is than `normal`. */
const priorityBytes = (severity: string): number =>
  severity === 'Extreme'
    ? 'critical'.length - 'normal'.length
    : severity === 'Severe'
      ? 'high'.length - 'normal'.length
      : 0;

const poisonDrill = (name: string, alerts: number): Drill => ({
  name,
  title: 'records over max.message.bytes in the middle of batches: they alone become dead letters',
  plan: { load: { alerts }, config: { kafka: { compression: 'none' } } },
  prepare: async (ground) => {
    const config = { 'max.message.bytes': String(poisonOf(ground).limit) };
    await createTopic(ground.servers.direct.kafkaBrokers, { name: ground.topics.alert, config });
  },
  harm: async (ground) => {
    const { limit, tooLarge } = poisonOf(ground);
    ground.progress.healed();
    await ground.publishes(2_000);
    return {
      doubled: 0,
      note: `${tooLarge.size} of ${alerts} alerts above ${limit} bytes`,
      judgeLetters: (letters) => [
        ...letters
          .filter(({ naturalKey }) => naturalKey === null || !tooLarge.has(naturalKey))
          .map(
            ({ sourceId, code, reason }) => `a letter of ${sourceId} that may not be: ${code}: ${reason.slice(0, 200)}`,
          )
          .slice(0, 3),
        ...(letters.length === tooLarge.size ? [] : [`${letters.length} letters instead of ${tooLarge.size}`]),
      ],
    };
  },
});

export const destinationDrills: readonly Drill[] = [deletedTopic, poisonDrill('poison', 3_000)];

/** The short form for `npm test`. */
export const shortPoison = poisonDrill('poison-short', 1_000);
