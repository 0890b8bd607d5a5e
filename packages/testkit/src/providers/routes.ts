// The addresses of the simulated APIs: which path belongs to which provider, and what answers it.
//
// To add an API: name its route in `routeKinds` (faults.ts) and its provider below, write `<name>-route.ts` with a function
// from `RouteRequest` to `Answer`, and put a line into `createRoutes`. Faults, conditional requests, compression, the
// request log and the ledger then work for it by themselves. Rows that the ledger is to follow are a `Truth` (world.ts)
// with an expected content (expected-content.ts) and a natural key (accounting/natural-key.ts), written by `faultyRows`
// (answer.ts); an API without any (`truths: []`) needs none of these.
import { createAirNowRoute } from './airnow-route.ts';
import type { Answer, RouteRequest } from './answer.ts';
import { bareAnswer, plainText } from './answer.ts';
import { answerBuoy } from './buoys-route.ts';
import { createEarthquakesRoute } from './earthquakes-route.ts';
import type { RouteKind } from './faults.ts';
import { createFirmsAvailabilityRoute } from './firms-availability-route.ts';
import { createFirmsRoute, firmsPathPrefix } from './firms-route.ts';
import { createMetarRoute } from './metar-route.ts';
import { answerAlerts } from './nws-alerts-route.ts';
import { nwsForbidden } from './nws-answer.ts';
import { answerForecast } from './nws-forecasts-route.ts';
import { answerLatestObservation, answerStations, type ObservationRouteOptions } from './nws-stations-route.ts';
import { answerKeys, answerSensors } from './purpleair-route.ts';
import { answerReadings, readingsPath } from './readings-route.ts';

/** Who is simulated; each may have a port of its own. */
export const providerNames = ['firms', 'nws', 'purpleair', 'airnow', 'aviation', 'usgs', 'unknown', 'ndbc'] as const;
export type ProviderName = (typeof providerNames)[number];

/** One address of an API. */
export interface Route {
  readonly kind: RouteKind;
  readonly provider: ProviderName;
  /** Matches the whole path; its groups are given to `answer`. */
  readonly path: RegExp;
  /** Default GET only; any other method is answered with 405. */
  readonly methods?: readonly string[];
  readonly answer: (request: RouteRequest, groups: readonly string[]) => Answer;
}

/** What the routes are made with. */
export interface RouteOptions {
  readonly mapKeys: readonly string[];
  readonly apiKeys: readonly string[];
  readonly airNowKeys: readonly string[];
  readonly validators: {
    readonly firms: boolean;
    readonly observations: boolean;
    readonly alerts: boolean;
    readonly forecasts: boolean;
    readonly airnow: boolean;
    readonly metar: boolean;
    readonly earthquakes: boolean;
  };
  readonly qualityForm: ObservationRouteOptions['qualityForm'];
}

/** All routes; the first whose path matches answers. */
export const createRoutes = ({
  mapKeys,
  apiKeys,
  airNowKeys,
  validators,
  qualityForm,
}: RouteOptions): readonly Route[] => [
  {
    kind: 'firms',
    provider: 'firms',
    path: new RegExp(`^${firmsPathPrefix}`),
    answer: createFirmsRoute({ mapKeys, hasValidators: validators.firms }),
  },
  {
    kind: 'availability',
    provider: 'firms',
    path: /^\/api\/data_availability\/csv\/([^/]*)\/([^/]*)$/,
    answer: createFirmsAvailabilityRoute({ mapKeys }),
  },
  { kind: 'stations', provider: 'nws', path: /^\/stations$/, answer: ofNws(answerStations) },
  {
    kind: 'observations',
    provider: 'nws',
    path: /^\/stations\/([^/]+)\/observations\/latest\/?$/,
    answer: ofNws((request, [stationId = '']) =>
      answerLatestObservation(request, stationId, { hasValidators: validators.observations, qualityForm }),
    ),
  },
  {
    kind: 'alerts',
    provider: 'nws',
    path: /^\/alerts\/active$/,
    answer: ofNws((request) => answerAlerts(request, { hasValidators: validators.alerts })),
  },
  {
    kind: 'forecasts',
    provider: 'nws',
    path: /^\/gridpoints\/([A-Z]{3}\/\d+,\d+)\/forecast$/,
    answer: ofNws((request, [gridpoint = '']) =>
      answerForecast(request, gridpoint, { hasValidators: validators.forecasts }),
    ),
  },
  {
    kind: 'purpleair',
    provider: 'purpleair',
    path: /^\/v1\/sensors$/,
    answer: (request) => answerSensors(request, { apiKeys }),
  },
  { kind: 'keys', provider: 'purpleair', path: /^\/v1\/keys$/, answer: (request) => answerKeys(request, { apiKeys }) },
  {
    kind: 'airnow',
    provider: 'airnow',
    path: /^\/aq\/observation\/zipCode\/current\/?$/,
    answer: createAirNowRoute({ apiKeys: airNowKeys, hasValidators: validators.airnow }),
  },
  {
    kind: 'metar',
    provider: 'aviation',
    path: /^\/api\/data\/metar$/,
    answer: createMetarRoute({ hasValidators: validators.metar }),
  },
  {
    kind: 'earthquakes',
    provider: 'usgs',
    path: /^\/earthquakes\/feed\/v1\.0\/summary\/all_hour\.geojson$/,
    answer: createEarthquakesRoute({ hasValidators: validators.earthquakes }),
  },
  {
    kind: 'readings',
    provider: 'unknown',
    path: readingsPath,
    methods: ['GET', 'POST'],
    answer: answerReadings,
  },
  {
    kind: 'buoys',
    provider: 'ndbc',
    path: /^\/data\/realtime2\/([^/]+)\.txt$/,
    answer: (request, [buoyId = '']) => answerBuoy(request, buoyId),
  },
];

/** The route of a path, with what the groups of its pattern matched; null if no provider has it. */
export const findRoute = (
  routes: readonly Route[],
  path: string,
): { readonly route: Route; readonly groups: readonly string[] } | null => {
  for (const route of routes) {
    const match = route.path.exec(path);
    if (match !== null) return { route, groups: match.slice(1) };
  }
  return null;
};

/** What a request to an address is answered with, before the fault of the moment does its work. */
export const answerRequest = (
  found: ReturnType<typeof findRoute>,
  method: string | undefined,
  request: RouteRequest,
): Answer => {
  if (found === null) return bareAnswer(404, plainText, 'Not Found\n');
  const { route, groups } = found;
  const methods = route.methods ?? ['GET'];
  if (method === undefined || !methods.includes(method))
    return { ...bareAnswer(405, plainText, 'Method Not Allowed\n'), headers: { allow: methods.join(', ') } };
  return route.answer(request, groups);
};

/** NWS serves nobody who does not say who asks. */
const ofNws =
  (answer: Route['answer']): Route['answer'] =>
  (request, groups) =>
    request.header('user-agent') ? answer(request, groups) : nwsForbidden();
