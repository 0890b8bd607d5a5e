// Composes a look at one source: over the network, or over the answers of a fixture. No Redis and no Kafka is needed.
import { openVariables } from '@stream-manager/shared/config/open-variables';
import type { Config } from '@stream-manager/shared/config/schema';
import { type Extensions, noExtensions } from '@stream-manager/shared/extensions/extensions';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { after } from '@stream-manager/shared/ops/after';
import { version } from '@stream-manager/shared/ops/version';
import { createHostShares } from '../http/host-share.ts';
import { createHttpClient } from '../http/undici-client.ts';
import { composeUserAgent } from '../http/user-agent.ts';
import { createModes } from '../modes/modes.ts';
import { createPolledSources, type PolledSource } from '../polled-sources.ts';
import { createSourceRegistry } from '../sources/registry.ts';
import type { PollWindow } from '../sources/source.ts';
import { type NotedExchange, notingExchanges } from './exchange-log.ts';
import { createFixtureHttp, type Expected, expectedOf, type Fixture, fixtureOf } from './fixture.ts';
import { createLocalRateLimit } from './local-rate-limit.ts';
import { type Preview, previewPoll } from './preview-poll.ts';
import { redactorOf } from './source-secrets.ts';

/** Pages that a look reads at most. */
export const maxPages = 5;

/** What a look saw. */
export interface Look {
  readonly preview: Preview;
  readonly exchanges: readonly NotedExchange[];
  /** To be saved. */
  readonly fixture: Fixture;
}

/** The source alone: others may lack their secrets here. Throws `config_invalid` for one that the config does not have. */
const sourceAlone = (config: Config, sourceId: string, extensions: Extensions = noExtensions): PolledSource => {
  const entry = Object.hasOwn(config.sources, sourceId) ? config.sources[sourceId] : undefined;
  const polled =
    entry === undefined
      ? undefined
      : createPolledSources(
          { ...config, sources: { [sourceId]: { ...entry, enabled: true } } },
          createSourceRegistry({ extensions }),
          createModes(extensions),
        ).get(sourceId);
  if (polled !== undefined) return polled;
  throw new StreamManagerError(
    'config_invalid',
    `the config has no source "${sourceId}" (it has ${Object.keys(config.sources).join(', ') || 'none'})`,
  );
};

/** Polls a source once over the network. Throws `config_invalid`, `secret_missing`, `source_unsupported`. */
export const lookAtSource = async (options: {
  readonly config: Config;
  readonly sourceId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly window?: PollWindow;
  /** Modules of the user's own that the source names; default: none. */
  readonly extensions?: Extensions;
  readonly signal: AbortSignal;
}): Promise<Look> => {
  const { config, sourceId, signal } = options;
  const source = sourceAlone(config, sourceId, options.extensions);
  const open = openVariables(source.config);
  if (open.length > 0)
    throw new StreamManagerError(
      'secret_missing',
      `sources.${sourceId} needs ${open.join(', ')}: set it and try again`,
    );
  const redact = redactorOf(source.config);
  const now = Date.now;
  const clients = createHttpClient({
    rateLimit: createLocalRateLimit(now),
    hostShares: createHostShares({ after }, { concurrency: 2 }),
    maxResponseBytes: config.polling.maxResponseBytes,
    userAgent: composeUserAgent(version, options.env['STREAM_CONTACT']),
    env: options.env,
    // Nobody else waits for the place: a minute for the limit is better than a look that breaks off.
    maxWaitMs: 60_000,
  });
  try {
    const noted = notingExchanges(clients.forPoll({ source: source.config, signal }), { redact, now });
    const scheduledFor = now();
    const { window = { sinceMs: null, untilMs: scheduledFor } } = options;
    const poll = { scheduledFor, window, cursor: null, maxPages, signal };
    const preview = await previewPoll({ config, http: noted.http, redact }, source, poll);
    const { exchanges } = noted;
    return { preview, exchanges, fixture: fixtureOf(source.config, poll, { preview, exchanges, redact }) };
  } finally {
    await clients.close();
  }
};

/** Polls a source over the answers of its fixture; gives what it came to. Throws `config_invalid`, `source_unsupported`. */
export const replayFixture = async (
  config: Config,
  sourceId: string,
  fixture: Fixture,
  extensions?: Extensions,
): Promise<Expected> => {
  const source = sourceAlone(config, sourceId, extensions);
  const redact = redactorOf(source.config);
  const { scheduledFor, window } = fixture;
  const poll = { scheduledFor, window, cursor: null, maxPages, signal: new AbortController().signal };
  return expectedOf(await previewPoll({ config, http: createFixtureHttp(fixture, redact), redact }, source, poll));
};
