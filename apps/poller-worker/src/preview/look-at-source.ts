// Composes a look at one source: over the network, or over the answers of a fixture. No Redis and no Kafka is needed.
import type { Config } from '@stream-manager/shared/config/schema';
import { after } from '@stream-manager/shared/ops/after';
import { version } from '@stream-manager/shared/ops/version';
import { createHostShares } from '../http/host-share.ts';
import { createJsonParser } from '../http/parse-large-json.ts';
import { createHttpClient } from '../http/undici-client.ts';
import { composeUserAgent } from '../http/user-agent.ts';
import type { PollWindow } from '../sources/source.ts';
import { type NotedExchange, notingExchanges } from './exchange-log.ts';
import {
  answersOf,
  createFixtureHttp,
  type Expected,
  expectedOf,
  type Fixture,
  type FixtureAnswers,
} from './fixture.ts';
import { createLocalRateLimit } from './local-rate-limit.ts';
import { type Preview, previewPoll } from './preview-poll.ts';
import { type FromConfig, requireVariables, sourceAlone } from './source-alone.ts';
import { redactorOf } from './source-secrets.ts';

/** Pages that a look reads at most. */
export const maxPages = 5;

/** What a look saw. */
export interface Look {
  /** The time that the poll asked for, as the source's mode has it. */
  readonly window: PollWindow;
  readonly preview: Preview;
  readonly exchanges: readonly NotedExchange[];
  /** To be saved. A text says why it cannot be. */
  readonly fixture: Fixture | string;
}

/** Polls a source once over the network. Throws `config_invalid`, `secret_missing`, `source_unsupported`, `extension_failed`. */
export const lookAtSource = async (
  options: FromConfig & {
    readonly config: Config;
    readonly sourceId: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    /** Where the last pass is taken to have ended, in milliseconds since the epoch; default: there was none. */
    readonly sinceMs?: number;
    readonly signal: AbortSignal;
  },
): Promise<Look> => {
  const { config, sourceId, signal, sinceMs = null, variables = [] } = options;
  const source = sourceAlone(config, sourceId, options);
  requireVariables(source);
  const redact = redactorOf(source.config, variables);
  const now = Date.now;
  const jsonParser = createJsonParser();
  const clients = createHttpClient({
    rateLimit: createLocalRateLimit(now),
    hostShares: createHostShares({ after }, { concurrency: 2 }),
    maxResponseBytes: config.polling.maxResponseBytes,
    userAgent: composeUserAgent(version, options.env['STREAM_CONTACT']),
    env: options.env,
    secrets: variables,
    jsonParser,
    // Nobody else waits for the place: a minute for the limit is better than a look that breaks off.
    maxWaitMs: 60_000,
  });
  try {
    const client = clients.forPoll({ source: source.config, signal });
    const { http, exchanges } = notingExchanges(client, { redact, now, jsonParser, signal });
    const scheduledFor = now();
    const { periodMs } = source.config;
    const window = source.mode.windowOf({ sourceId, scheduledFor, periodMs, cursorUntilMs: sinceMs });
    const poll = { scheduledFor, window, maxPages, signal };
    const preview = await previewPoll({ config, http, redact }, source, poll);
    const answers = answersOf(source.config, poll, exchanges);
    const fixture = faultOfFixture(exchanges) ?? {
      ...answers,
      // With a connector of its own, which remembers nothing of what was asked.
      expected: await replayFixture({ ...options, fixture: answers }),
    };
    return { window, preview, exchanges, fixture };
  } finally {
    await clients.close();
    await jsonParser.close();
  }
};

/** Why the answers of a poll are not worth keeping; null if they are. */
const faultOfFixture = (exchanges: readonly NotedExchange[]): string | null => {
  const unanswered = exchanges.find(({ status }) => status === null);
  return unanswered === undefined ? null : `there is an exchange without an answer: ${unanswered.error?.message ?? ''}`;
};

/** Polls a source over the answers of its fixture; gives what it came to. Throws `config_invalid`, `source_unsupported`. */
export const replayFixture = async (
  options: FromConfig & { readonly config: Config; readonly sourceId: string; readonly fixture: FixtureAnswers },
): Promise<Expected> => {
  const { config, sourceId, fixture, variables = [] } = options;
  const source = sourceAlone(config, sourceId, options);
  const redact = redactorOf(source.config, variables);
  const { scheduledFor, window } = fixture;
  const { signal } = new AbortController();
  const jsonParser = createJsonParser();
  try {
    const http = createFixtureHttp(fixture, { redact, jsonParser, signal });
    const poll = { scheduledFor, window, maxPages, signal };
    return expectedOf(await previewPoll({ config, http, redact }, source, poll));
  } finally {
    await jsonParser.close();
  }
};
