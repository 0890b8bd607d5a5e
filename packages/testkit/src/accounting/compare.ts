// Served against stored: is every record that the providers served in Kafka, once per source, in the right topic, with
// the right content, and nothing else? Pure; what was served comes from the providers' ledger, what is stored from
// `read-topics.ts`.
import { type Difference, differencesOf } from './differences.ts';
import type { ExpectedRecord, RecordKind } from './expected-record.ts';
import { naturalKeyOf } from './natural-key.ts';
import { envelopeOf, type StoredEnvelope, type StoredRecord } from './stored-record.ts';

export interface ComparisonInput {
  /** Records that must be stored. */
  readonly served: readonly ExpectedRecord[];
  /**
   * Records that may be stored but need not be: those of answers that were cut off or spoiled (`ledger.offered()`), or
   * whatever else the caller excuses, such as the last answer before a kill. If stored, they must be right.
   */
  readonly offered?: readonly ExpectedRecord[];
  /** Everything in the topics. */
  readonly stored: readonly StoredRecord[];
  /** The topic where records of a kind belong. */
  readonly topicOf: (kind: RecordKind) => string;
  /**
   * The sources that fetch a record. With it, every served record must be stored once for each of them, and a
   * record of any other source is foreign. Without it, once for at least one source. A provider cannot know who asked:
   * give only sources that ask for the same rows.
   */
  readonly expectedSourceIds?: (kind: RecordKind, record: ExpectedRecord) => readonly string[];
  /** The priority that a record must have. Without it, any of the four is right. */
  readonly priorityOf?: (record: ExpectedRecord, sourceId: string) => string;
  /** How many examples of each finding are kept. Default 10. */
  readonly sampleLimit?: number;
}

/** How many records of a topic are how. A stored record can count under several findings. */
export interface TopicCounts {
  readonly topic: string;
  /** Records that must be here: served ones, times the sources that fetch them. */
  readonly served: number;
  /** Records that are here. */
  readonly stored: number;
  /** Served, but nowhere in any topic. Counted where they belong. */
  readonly missing: number;
  /** Same record id and revision as one seen before. */
  readonly doubled: number;
  /** A known record in a topic where its kind does not belong; counted where it lies, and not as missing. */
  readonly misplaced: number;
  /** Never served, of a source that does not fetch it, or not an envelope at all. */
  readonly foreign: number;
  /** Known, but key, headers, timestamp or envelope are not what they must be. */
  readonly different: number;
}

export interface Missing {
  readonly record: ExpectedRecord;
  /** Null when any source would do. */
  readonly sourceId: string | null;
}

export interface Found {
  readonly record: StoredRecord;
  /** What is wrong, in words. */
  readonly why: string;
}

export interface Different {
  readonly record: StoredRecord;
  readonly differences: readonly Difference[];
}

export interface Comparison {
  /** By name. */
  readonly topics: readonly TopicCounts[];
  readonly total: Omit<TopicCounts, 'topic'>;
  /** Nothing is missing, doubled, misplaced, foreign or different. */
  readonly isExact: boolean;
  /** The first few of each finding. */
  readonly samples: {
    readonly missing: readonly Missing[];
    readonly doubled: readonly Found[];
    readonly misplaced: readonly Found[];
    readonly foreign: readonly Found[];
    readonly different: readonly Different[];
  };
}

const columns = ['served', 'stored', 'missing', 'doubled', 'misplaced', 'foreign', 'different'] as const;
type Column = (typeof columns)[number];

interface Known {
  readonly record: ExpectedRecord;
  readonly isDue: boolean;
  /** Record id of the first stored copy, by source. */
  readonly copies: Map<string, string>;
}

/** Compares what was served with what is stored. Each stored record is looked at once. */
export const compareServedWithStored = (input: ComparisonInput): Comparison => {
  const { served, offered = [], stored, topicOf, expectedSourceIds, sampleLimit = 10 } = input;
  const tally = createTally();
  const samples = {
    missing: [] as Missing[],
    doubled: [] as Found[],
    misplaced: [] as Found[],
    foreign: [] as Found[],
    different: [] as Different[],
  };
  const keep = <T>(list: T[], sample: T): void => {
    if (list.length < sampleLimit) list.push(sample);
  };

  const known = new Map<string, Known>();
  for (const record of offered) known.set(record.naturalKey, { record, isDue: false, copies: new Map() });
  for (const record of served) known.set(record.naturalKey, { record, isDue: true, copies: new Map() });
  const seen = createSeen();

  for (const record of stored) {
    tally.add(record.topic, 'stored');
    const envelope = envelopeOf(record.value);
    const naturalKey = envelope === null ? null : naturalKeyOf(envelope);
    const entry = naturalKey === null ? undefined : known.get(naturalKey);
    const strange = strangeness(envelope, naturalKey, entry, expectedSourceIds);
    if (strange !== null || envelope === null || entry === undefined) {
      tally.add(record.topic, 'foreign');
      keep(samples.foreign, { record, why: strange ?? 'is not an envelope' });
      continue;
    }
    const home = topicOf(entry.record.kind);
    if (record.topic !== home) {
      tally.add(record.topic, 'misplaced');
      keep(samples.misplaced, { record, why: `belongs in ${home}` });
    }
    if (seen.again(envelope, record)) {
      tally.add(record.topic, 'doubled');
      keep(samples.doubled, { record, why: `record id ${envelope.id} is stored more than once` });
    }
    const priority = input.priorityOf?.(entry.record, envelope.sourceId);
    const differences = [
      ...differencesOf(entry.record, record, envelope, priority),
      ...idDifferences(entry, envelope, seen.owner(envelope.id, selfOf(entry, envelope))),
    ];
    if (differences.length > 0) {
      tally.add(record.topic, 'different');
      keep(samples.different, { record, differences });
    }
    if (!entry.copies.has(envelope.sourceId)) entry.copies.set(envelope.sourceId, envelope.id);
  }

  for (const { record, isDue, copies } of known.values()) {
    if (!isDue) continue;
    const home = topicOf(record.kind);
    for (const sourceId of expectedSourceIds?.(record.kind, record) ?? [null]) {
      tally.add(home, 'served');
      if (sourceId === null ? copies.size > 0 : copies.has(sourceId)) continue;
      tally.add(home, 'missing');
      keep(samples.missing, { record, sourceId });
    }
  }
  return { ...tally.counts(), samples };
};

const strangeness = (
  envelope: StoredEnvelope | null,
  naturalKey: string | null,
  entry: Known | undefined,
  expectedSourceIds: ComparisonInput['expectedSourceIds'],
): string | null => {
  if (envelope === null) return 'is not an envelope';
  if (naturalKey === null) return `has type ${envelope.type} and no natural key`;
  if (entry === undefined) return `was never served: ${naturalKey}`;
  const sources = expectedSourceIds?.(entry.record.kind, entry.record);
  return sources && !sources.includes(envelope.sourceId) ? `source ${envelope.sourceId} does not fetch it` : null;
};

/** What an id stands for: the reading, or the event whose states it has in common. */
const selfOf = ({ record }: Known, { sourceId }: StoredEnvelope): string =>
  `${record.kind === 'earthquake' ? record.kafkaKey : record.naturalKey} of ${sourceId}`;

/** The same reading of the same source must always have the same id, and an id must stand for one reading only. */
const idDifferences = (entry: Known, envelope: StoredEnvelope, owner: string): readonly Difference[] => {
  const found: Difference[] = [];
  const first = entry.copies.get(envelope.sourceId);
  if (first !== undefined && first !== envelope.id)
    found.push({ path: 'envelope.id', expected: first, found: envelope.id });
  const self = selfOf(entry, envelope);
  if (owner !== self)
    found.push({ path: 'envelope.id', expected: `an id of its own, not that of ${owner}`, found: envelope.id });
  return found;
};

const createSeen = () => {
  const revisions = new Set<string>();
  const owners = new Map<string, string>();
  return {
    /** Whether this id and revision came before. */
    again: (envelope: StoredEnvelope, { headers }: StoredRecord): boolean => {
      const before = revisions.size;
      revisions.add(`${headers['record-id'] ?? envelope.id} ${headers['revision'] ?? ''}`);
      return revisions.size === before;
    },
    /** The reading that an id was first seen for: `self` if it is new. */
    owner: (id: string, self: string): string => {
      const owner = owners.get(id) ?? self;
      owners.set(id, owner);
      return owner;
    },
  };
};

const createTally = () => {
  const byTopic = new Map<string, Record<Column, number>>();
  const zero = (): Record<Column, number> => ({
    served: 0,
    stored: 0,
    missing: 0,
    doubled: 0,
    misplaced: 0,
    foreign: 0,
    different: 0,
  });
  return {
    add: (topic: string, column: Column): void => {
      const counts = byTopic.get(topic) ?? zero();
      counts[column] += 1;
      byTopic.set(topic, counts);
    },
    counts: (): Pick<Comparison, 'topics' | 'total' | 'isExact'> => {
      const topics = [...byTopic].map(([topic, counts]) => ({ topic, ...counts }));
      topics.sort((one, other) => (one.topic < other.topic ? -1 : 1));
      const total = zero();
      for (const counts of topics) for (const column of columns) total[column] += counts[column];
      const { missing, doubled, misplaced, foreign, different } = total;
      return { topics, total, isExact: missing + doubled + misplaced + foreign + different === 0 };
    },
  };
};
