// What has to hold between fields that are far apart: the values of a source merged over the global ones, source ids
// among each other, topics among each other. Pure; the schema asks for the faults, the loader for the warnings.
import { readCron } from './cron.ts';
import { printThreshold, targetAboveCritical } from './lag-threshold.ts';
import { nearestKey } from './nearest-key.ts';
import type { Config, SourceConfig } from './schema.ts';
import { queueFaults } from './sections/queue.ts';
import { type SectionFault, throttlingFaults } from './sections/throttling.ts';
import { isPolledType } from './source-types.ts';

/** A contradiction or a doubt. `path` is where it is shown; `involves` are the other fields it rests on. */
export type CrossFault = {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly involves: readonly (readonly (string | number)[])[];
};

/** Contradictions between sections. `message` follows the key's path. */
export function crossFaults(config: Config): readonly CrossFault[] {
  return [
    ...idClashes(Object.keys(config.sources)),
    ...Object.entries(config.sources).flatMap(([id, source]) => sourceFaults(config, id, source)),
  ];
}

/** What is allowed and still worth a word. */
export function crossWarnings(config: Config): readonly CrossFault[] {
  const found: CrossFault[] = [];
  const ids = Object.keys(config.sources);
  if (ids.length === 0)
    found.push({ path: ['sources'], message: 'no sources are configured: nothing will be polled', involves: [] });
  else if (Object.values(config.sources).every((source) => !source.enabled))
    found.push({ path: ['sources'], message: 'all sources are disabled: nothing will be polled', involves: [] });
  for (const id of Object.keys(config.routing.custom)) {
    if (ids.includes(id)) continue;
    const near = nearestKey(id, ids);
    found.push({
      path: ['routing', 'custom', id],
      message: `there is no source "${id}"${near === undefined ? '' : `. Did you mean "${near}"? Source ids are case-sensitive`}`,
      involves: [],
    });
  }
  const { targetConsumerLag: target, criticalConsumerLag: critical } = config.throttling;
  if (targetAboveCritical(target, critical) === 'sometimes')
    found.push({
      path: ['throttling', 'targetConsumerLag'],
      message: `${printThreshold(target)} can be above criticalConsumerLag (${printThreshold(critical)}) at some rates; the higher of the two then counts as critical. Give both as a time, or both as records`,
      involves: [],
    });
  return [...found, ...topicWarnings(config)];
}

/** Source ids that differ by case only. */
export function idClashes(ids: readonly string[]): readonly CrossFault[] {
  const faults: CrossFault[] = [];
  const seen = new Map<string, string>();
  for (const id of ids) {
    const other = seen.get(id.toLowerCase());
    if (other !== undefined)
      faults.push({
        path: ['sources', id],
        message: `differs from source "${other}" by case only: file systems and metrics would mix them up`,
        involves: [],
      });
    else seen.set(id.toLowerCase(), id);
  }
  return faults;
}

function sourceFaults(config: Config, id: string, source: SourceConfig): readonly CrossFault[] {
  const at = ['sources', id];
  const faults: CrossFault[] = [];
  if (source.queue !== undefined)
    faults.push(...mergedFaults(at, 'queue', source.queue, queueFaults({ ...config.queue, ...given(source.queue) })));
  if (source.throttling !== undefined)
    faults.push(
      ...mergedFaults(
        at,
        'throttling',
        source.throttling,
        throttlingFaults({ ...config.throttling, ...given(source.throttling) }),
      ),
    );
  faults.push(...accessFaults(at, source));
  const least = leastDedupeHours(source);
  if (source.dedupeWindowHours !== undefined && source.dedupeWindowHours < least)
    faults.push({
      path: [...at, 'dedupeWindowHours'],
      message: `must be ${least} or more: what the source returns reaches ${least - 24} h back, and a day is added for rows that come late`,
      involves: [
        [...at, 'params', 'dayRange'],
        [...at, 'params', 'overlap'],
      ],
    });
  return faults;
}

/** `auth` and `tls` are for one host, and for what is asked over HTTP; `tls` also for the broker of mqtt. */
function accessFaults(at: CrossFault['path'], source: SourceConfig): readonly CrossFault[] {
  return (['auth', 'tls'] as const).flatMap((key) => {
    if (source[key] === undefined || (key === 'tls' && source.type === 'mqtt')) return [];
    if (!isPolledType(source.type))
      return [
        {
          path: [...at, key],
          message: `is for sources that are asked over HTTP; what type ${source.type} needs stands in params`,
          involves: [[...at, 'type']],
        },
      ];
    if (source.baseUrl === undefined)
      return [
        {
          path: [...at, key],
          message: 'needs baseUrl beside it, the one host that it is meant for',
          involves: [[...at, 'baseUrl']],
        },
      ];
    return [];
  });
}

/** Shown at the value of the source that takes part in the contradiction; global values alone were checked before. */
function mergedFaults(
  at: CrossFault['path'],
  section: string,
  own: object,
  faults: readonly SectionFault[],
): readonly CrossFault[] {
  return faults.flatMap((fault) => {
    const names = [fault.key, ...fault.involves];
    const shown = names.find((name) => Object.hasOwn(own, name));
    if (shown === undefined) return [];
    return [
      {
        path: [...at, section, shown],
        message: shown === fault.key ? fault.message : `contradicts ${fault.key}, which ${fault.message}`,
        involves: names.flatMap((name) => [
          [...at, section, name],
          [section, name],
        ]),
      },
    ];
  });
}

/** The least window in which no row of the source can come back unknown: what it asks for, and a day. */
export function leastDedupeHours(source: SourceConfig): number {
  if (!isPolledType(source.type)) return 0;
  const rangeHours =
    source.type === 'nasa-firms'
      ? source.params.dayRange * 24
      : source.type === 'http'
        ? Math.ceil(source.params.overlap / 3_600_000)
        : 0;
  return rangeHours + 24;
}

/** The shortest time between two polls. */
export function periodMs(source: Pick<SourceConfig, 'everyMs' | 'cron'>): number {
  if (source.everyMs !== undefined) return source.everyMs;
  const facts = readCron(source.cron ?? '');
  return facts.ok ? facts.shortestGapMs : 0;
}

/** A copy without keys that are undefined, so that it can be laid over another object. */
export const given = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  // Only keys with a value are left, which is what the type says.
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** Kafka names its metrics with `_` for `.`, and refuses to make a topic that collides in them. */
function topicWarnings(config: Config): readonly CrossFault[] {
  const named: [string, CrossFault['path']][] = [
    ...Object.keys(config.topics).map((name): [string, CrossFault['path']] => [name, ['topics', name]]),
    ...Object.entries(config.routing.custom).map(([id, name]): [string, CrossFault['path']] => [
      name,
      ['routing', 'custom', id],
    ]),
    ...config.routing.rules.flatMap((rule, index): [string, CrossFault['path']][] =>
      rule.topic === undefined ? [] : [[rule.topic, ['routing', 'rules', index, 'topic']]],
    ),
    ...config.routing.patterns.map((one, index): [string, CrossFault['path']] => [
      one.topic,
      ['routing', 'patterns', index, 'topic'],
    ]),
    [config.routing.default, ['routing', 'default']],
    ...Object.entries(config.sources).flatMap(([id, source]): [string, CrossFault['path']][] =>
      source.topic === undefined ? [] : [[source.topic, ['sources', id, 'topic']]],
    ),
  ];
  const byFold = new Map<string, string>();
  const warnings: CrossFault[] = [];
  for (const [name, path] of named) {
    const fold = name.replaceAll('.', '_');
    const other = byFold.get(fold);
    if (other === undefined) byFold.set(fold, name);
    else if (other !== name)
      warnings.push({
        path,
        message: `topic "${name}" differs from topic "${other}" only in "." and "_": Kafka refuses to make both`,
        involves: [],
      });
  }
  return warnings;
}
