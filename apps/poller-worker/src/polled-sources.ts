// The sources of the config as the poller works with them: each with its connector, and with what of it decides about
// its records. Made once at start; a config that this process cannot serve is refused there.
import { createHash } from 'node:crypto';
import { openVariables } from '@stream-manager/shared/config/open-variables';
import { secretValues } from '@stream-manager/shared/config/redact';
import { type ResolvedSource, resolveSource } from '@stream-manager/shared/config/resolve-source';
import type { Config } from '@stream-manager/shared/config/schema';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { chunkLimits } from '@stream-manager/shared/queues/source-limits';
import { createPriorityResolver } from '@stream-manager/shared/topics/raise-priority';
import type { AdmissionSettings } from './admission/admission.ts';
import { createKeyReader } from './admission/partition-key.ts';
import type { PrepareOptions } from './admission/prepare.ts';
import { createRedactor } from './http/secrets.ts';
import { createModes, type Modes, type SourceMode } from './modes/modes.ts';
import type { SourceRegistry } from './sources/registry.ts';
import type { Source } from './sources/source.ts';

/** A source that this process can poll. */
export interface PolledSource {
  readonly config: ResolvedSource;
  readonly connector: Source;
  readonly mode: SourceMode;
  /** Stands for what it asks for (type, address, params), without secrets: a position in the answers to something else is none. */
  readonly request: string;
  readonly prepare: PrepareOptions;
  readonly admission: AdmissionSettings;
  /** Share of invalid rows above which an answer of 20 rows or more is refused as a whole. */
  readonly maxInvalidShare: number;
}

/**
 * Every source that this process can poll: disabled ones too, because an operator may start them. Throws
 * `source_unsupported`, with all of them named, if it has no connector for an enabled one.
 */
export const createPolledSources = (
  config: Config,
  registry: SourceRegistry,
  modes: Modes = createModes(),
): ReadonlyMap<string, PolledSource> => {
  const resolvePriority = createPriorityResolver(config.routing);
  const polled = new Map<string, PolledSource>();
  const refusals: string[] = [];
  for (const id of Object.keys(config.sources)) {
    const source = resolveSource(config, id);
    try {
      polled.set(id, {
        config: source,
        connector: connectorOf(source, registry),
        mode: modes(source),
        request: requestOf(source, config),
        prepare: {
          sourceId: id,
          priority: source.priority,
          resolvePriority,
          readKey: source.partitionKey === undefined ? undefined : createKeyReader(source.partitionKey),
        },
        admission: {
          sourceId: id,
          limits: chunkLimits(source),
          chunkSize: source.queue.chunkSize,
          admitWaitMs: source.queue.admitWaitMs,
        },
        maxInvalidShare: config.delivery.deadLetters.maxInvalidShare,
      });
    } catch (error) {
      if (source.enabled) refusals.push(`sources.${id}: ${messageOf(error)}`);
    }
  }
  if (refusals.length === 0) return polled;
  throw new StreamManagerError(
    'source_unsupported',
    `${refusals.join('\n')}\nSet enabled: false, or remove the source.`,
  );
};

const requestOf = ({ id, type, baseUrl, params }: ResolvedSource, config: Config): string => {
  const entry = config.sources[id];
  const redact = createRedactor(
    secretValues({ config: { ...config, sources: entry === undefined ? {} : { [id]: entry } } }),
  );
  return createHash('sha256')
    .update(redact(JSON.stringify({ type, baseUrl, params })))
    .digest('base64url')
    .slice(0, 12);
};

const connectorOf = (source: ResolvedSource, registry: SourceRegistry): Source => {
  // Open ones are allowed in a disabled source only.
  const [variable] = openVariables(source);
  return variable === undefined || source.enabled ? registry(source.type)(source) : withoutSecret(source.id, variable);
};

/** Stands for the connector of a disabled source whose secret is missing: started by an operator, its polls say so. */
const withoutSecret = (sourceId: string, variable: string): Source => {
  const refuse = (): never => {
    throw new StreamManagerError(
      'secret_missing',
      `sources.${sourceId} needs ${variable}: set this environment variable and start the poller again`,
    );
  };
  return { poll: refuse, parseRow: refuse };
};
