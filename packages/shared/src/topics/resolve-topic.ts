// Which topic a record goes to: its source's own topic, the custom mapping, the first content rule that it meets, the
// first pattern that its source id matches, the default. Pure. All but the content rules is known per source, so that
// most chunks are resolved without a look into their records.
import { builtInPatterns, builtInRules, openTypes } from './built-in-routing.ts';
import { compileCondition, type RecordData } from './match-rule.ts';
import type { Routing } from './routing-rule.ts';

/** What decided. */
export type TopicRule = 'source' | 'custom' | 'content' | 'pattern' | 'default';

/** A topic and what decided for it. */
export interface ResolvedTopic {
  readonly topic: string;
  readonly rule: TopicRule;
}

/** The part of a source's config that routes it. */
export interface RoutedSource {
  readonly type?: string | undefined;
  readonly topic?: string | undefined;
}

/** Resolves topics. Works for source ids that are not in the config, too (records of a source that was removed). */
export interface TopicResolver {
  /** `data` is asked for only where `needsContent` says so. */
  resolve(sourceId: string, data?: RecordData): ResolvedTopic;
  /** Whether the topic depends on the content of each record. */
  needsContent(sourceId: string): boolean;
  /** Every topic that records of the source can go to. */
  topicsOf(sourceId: string): readonly string[];
  /** Every topic that records of the config's sources can go to, sorted. */
  allTopics(): readonly string[];
}

interface ContentRule {
  readonly topic: string;
  readonly test: (data: RecordData) => boolean;
}

interface Route {
  /** Without a look at the content. */
  readonly byName: ResolvedTopic;
  /** Content rules that stand before it, in order. */
  readonly rules: readonly ContentRule[];
}

/** Creates the resolver. Throws a SyntaxError for an expression that is none (the config refuses those). */
export const createTopicResolver = (
  routing: Routing,
  sources: Readonly<Record<string, RoutedSource>>,
): TopicResolver => {
  const patterns = [...routing.patterns, ...builtInPatterns].map(({ match, topic }) => ({
    // Anchored at the start, as Python's re.match.
    expression: new RegExp(`^(?:${match})`),
    topic,
  }));
  const ownRules = routing.rules.flatMap(({ when, topic }) =>
    topic === undefined ? [] : [{ topic, test: compileCondition(when) }],
  );

  const rulesFor = (type: string | undefined): readonly ContentRule[] => {
    const isOpen = type === undefined || openTypes.includes(type);
    return [...ownRules, ...builtInRules.filter((rule) => isOpen || rule.types.includes(type))];
  };

  const routeOf = (sourceId: string): Route => {
    const source = Object.hasOwn(sources, sourceId) ? sources[sourceId] : undefined;
    if (source?.topic !== undefined) return { byName: { topic: source.topic, rule: 'source' }, rules: [] };
    const custom = Object.hasOwn(routing.custom, sourceId) ? routing.custom[sourceId] : undefined;
    if (custom !== undefined) return { byName: { topic: custom, rule: 'custom' }, rules: [] };
    const name = sourceId.toLowerCase().replaceAll('-', '_');
    const pattern = patterns.find(({ expression }) => expression.test(name));
    const byName: ResolvedTopic =
      pattern === undefined ? { topic: routing.default, rule: 'default' } : { topic: pattern.topic, rule: 'pattern' };
    return { byName, rules: rulesFor(source?.type) };
  };

  const routes = new Map(Object.keys(sources).map((sourceId) => [sourceId, routeOf(sourceId)]));
  // A source that is not in the config is rare, and a cache of such ids would have no bound.
  const routeFor = (sourceId: string): Route => routes.get(sourceId) ?? routeOf(sourceId);

  const topicsOf = (sourceId: string): readonly string[] => {
    const { byName, rules } = routeFor(sourceId);
    return [...new Set([byName.topic, ...rules.map(({ topic }) => topic)])];
  };

  return {
    resolve: (sourceId, data) => {
      const { byName, rules } = routeFor(sourceId);
      if (data !== undefined) {
        for (const { topic, test } of rules) if (test(data)) return { topic, rule: 'content' };
      }
      return byName;
    },
    needsContent: (sourceId) => routeFor(sourceId).rules.length > 0,
    topicsOf,
    allTopics: () => [...new Set(Object.keys(sources).flatMap(topicsOf))].sort(),
  };
};
