// `streamctl status`: every stream and every process of the fleet, once.
import {
  createApiClient,
  type HealthAnswer,
  type StreamAnswer,
  type StreamsAnswer,
} from '@stream-manager/shared/ops/api-client';
import type { ApiAccess } from '@stream-manager/shared/ops/data-directory';
import { jsonText } from './json-text.ts';
import { isThrottled, shortDecision } from './lag-words.ts';
import { plainText } from './plain-text.ts';
import { renderTable } from './table.ts';

export const statusUsage = `npm run streamctl -- status [--json]
  every stream and every process of the fleet, once, and what is wrong

  --json   the same as JSON on standard output
`;

const count = (value: number | null): string => (value === null ? '–' : String(value));

const lastPoll = ({ lastPoll }: StreamAnswer): string => {
  if (lastPoll === null) return '–';
  const error = lastPoll.error === null ? '' : `: ${plainText(lastPoll.error)}`;
  return `${lastPoll.at} ${lastPoll.outcome}, ${lastPoll.records} new${error}`;
};

/** Providers that do not answer, each with the streams that wait for it. */
const providerProblems = (streams: readonly StreamAnswer[]): readonly string[] => {
  const waiting = new Map<string, string[]>();
  for (const { id, provider } of streams) {
    if (provider === null || provider.breaker === 'closed') continue;
    const { host, breaker, failures, error, until } = provider;
    const next = breaker === 'open' && until !== null ? `tried again at ${until}` : 'one poll tries it now';
    const problem = `! ${host} gave no answer ${failures} times in a row (${plainText(error ?? 'unknown')}); ${next}`;
    waiting.set(problem, [...(waiting.get(problem) ?? []), id]);
  }
  return [...waiting].map(([problem, ids]) => `${problem}: ${ids.join(', ')}`);
};

/** The text for people. Pure. */
export const renderStatus = (streams: StreamsAnswer, health: HealthAnswer): string => {
  const streamTable = renderTable(
    [
      { title: 'STREAM' },
      { title: 'STATE' },
      { title: 'CRITICAL', isNumber: true },
      { title: 'HIGH', isNumber: true },
      { title: 'NORMAL', isNumber: true },
      { title: 'LOW', isNumber: true },
      { title: 'PUBLISHED', isNumber: true },
      { title: 'DEAD', isNumber: true },
      { title: 'LAG', isNumber: true },
      { title: 'THROTTLE' },
      { title: 'LAST POLL' },
    ],
    streams.streams.map((stream) => [
      stream.id,
      stream.degraded === null ? stream.state : `${stream.state}, degraded`,
      count(stream.queued.critical),
      count(stream.queued.high),
      count(stream.queued.normal),
      count(stream.queued.low),
      count(stream.published),
      count(stream.deadLetters),
      count(stream.lag.records),
      shortDecision(stream.throttle),
      lastPoll(stream),
    ]),
  );
  const fleetTable = renderTable(
    [
      { title: 'PROCESS' },
      { title: 'HOST' },
      { title: 'PID', isNumber: true },
      { title: 'PORT', isNumber: true },
      { title: 'VERSION' },
      { title: 'CONFIG' },
      { title: 'UP SINCE' },
    ],
    health.fleet.map((beat) => [
      beat.role,
      beat.host,
      String(beat.pid),
      String(beat.port),
      beat.version,
      beat.configVersion === streams.configVersion ? beat.configVersion : `${beat.configVersion} (differs)`,
      beat.startedAt,
    ]),
  );
  const breaker = streams.streams.find((stream) => stream.breaker !== 'closed')?.breaker.replace('_', ' ');
  const problems = [
    ...(breaker === undefined ? [] : [`! the breaker is ${breaker}: Kafka takes no records, they wait in Redis`]),
    ...streams.streams.flatMap(({ id, degraded }) => (degraded === null ? [] : [`! ${id} is degraded: ${degraded}`])),
    ...streams.streams.flatMap(({ id, throttle }) =>
      isThrottled(throttle) ? [`! ${id} is throttled: ${throttle.reason}`] : [],
    ),
    ...providerProblems(streams.streams),
    ...streams.streams.flatMap(({ id, conditions }) =>
      conditions.map(({ state, message }) => `! ${id} ${state}: ${plainText(message)}`),
    ),
    ...Object.entries(health.problems).map(([component, problem]) => `! ${component}: ${problem}`),
    ...(health.topics.problem === null ? [] : [`! topics: ${health.topics.problem}`]),
    ...Object.entries(health.topics.differences).map(([topic, found]) => `! topic ${topic}: ${found.join('; ')}`),
  ];
  return `${[streamTable, '', fleetTable, ...(problems.length === 0 ? [] : ['', ...problems])].join('\n')}\n`;
};

/** Asks the API and gives the text to print. */
export const status = async (access: ApiAccess, options: { readonly json: boolean }): Promise<string> => {
  const api = createApiClient(access);
  const [streams, health] = await Promise.all([api.streams(), api.health()]);
  return options.json ? jsonText({ ...streams, health }) : renderStatus(streams, health);
};
