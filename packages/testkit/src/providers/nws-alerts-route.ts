// NWS: GET /alerts/active?area=CA[&status=…][&message_type=…], a GeoJSON collection of the messages active now.
// Times are local to the issuing office, with its offset, as the real ones are.
import { type Answer, faultyRows, type RouteRequest } from './answer.ts';
import type { MalformedKind } from './faults.ts';
import { geoJson, nwsContext, nwsProblem } from './nws-answer.ts';
import type { WeatherAlert } from './weather-alerts.ts';

/** The active alerts; an area other than CA has none. */
export const answerAlerts = (request: RouteRequest, options: { readonly hasValidators: boolean }): Answer => {
  const { url, world, atMs } = request;
  const listOf = (name: string): readonly string[] | undefined => url.searchParams.get(name)?.toLowerCase().split(',');
  const areas = listOf('area');
  if (areas?.some((area) => !/^[a-z]{2}$/.test(area)))
    return nwsProblem(400, 'Bad Request', 'Query parameter "area" must be state or marine area codes');
  const statuses = listOf('status');
  const types = listOf('message_type');
  const alerts = world.alerts
    .active(atMs)
    .filter(
      (alert) =>
        (!areas || areas.includes('ca')) &&
        (!statuses || statuses.includes('actual')) &&
        (!types || types.includes(alert.messageType.toLowerCase())),
    );
  const { rows, truths, broken } = faultyRows(alerts, request, {
    kind: 'alert',
    breakable: ['missing-column', 'unparsable-date'],
    render: (alert) => alertFeature(alert, request),
    breakRow: breakFeature,
  });
  const newestMs = alerts.reduce((newest, alert) => Math.max(newest, alert.sentAtMs), world.startAt);
  return {
    ...geoJson({
      '@context': nwsContext,
      type: 'FeatureCollection',
      features: rows,
      title: 'Current watches, warnings, and advisories for California',
      updated: new Date(newestMs).toISOString().replace(/\.\d+Z$/, '+00:00'),
    }),
    truths,
    broken,
    hasValidators: options.hasValidators,
  };
};

interface AlertFeature {
  id: string;
  type: 'Feature';
  geometry: unknown;
  properties: Record<string, unknown>;
}

const breakFeature = (feature: AlertFeature, kind: MalformedKind): AlertFeature => {
  const { properties } = feature;
  if (kind === 'missing-column') delete properties['id'];
  if (kind === 'unparsable-date') properties['sent'] = 'shortly after noon';
  return feature;
};

/** Wall-clock time in California with its offset; summer time simplified to April–October, the instant is exact. */
const localTime = (ms: number): string => {
  const month = new Date(ms).getUTCMonth();
  const hours = month >= 3 && month <= 9 ? 7 : 8;
  return `${new Date(ms - hours * 3_600_000).toISOString().slice(0, 19)}-0${hours}:00`;
};
const localOrNull = (ms: number | null): string | null => (ms === null ? null : localTime(ms));

const sender = 'w-nws.webmaster@noaa.gov';

const alertFeature = (alert: WeatherAlert, { baseUrl, fault }: RouteRequest): AlertFeature => ({
  id: `${baseUrl}/alerts/${alert.alertId}`,
  type: 'Feature',
  geometry: alert.geometry,
  properties: {
    '@id': `${baseUrl}/alerts/${alert.alertId}`,
    '@type': 'wx:Alert',
    id: alert.alertId,
    areaDesc: alert.areaDescription,
    geocode: { SAME: ['006037'], UGC: [alert.zone] },
    affectedZones: [`${baseUrl}/zones/forecast/${alert.zone}`],
    references: alert.earlier.map((message) => ({
      '@id': `${baseUrl}/alerts/${message.alertId}`,
      identifier: message.alertId,
      sender,
      sent: localTime(message.sentAtMs),
    })),
    sent: localTime(alert.sentAtMs),
    effective: localTime(alert.effectiveMs),
    onset: localOrNull(alert.onsetMs),
    expires: localTime(alert.expiresMs),
    ends: localOrNull(alert.endsMs),
    status: 'Actual',
    messageType: alert.messageType,
    category: 'Met',
    severity: alert.severity,
    certainty: alert.certainty,
    urgency: alert.urgency,
    event: alert.event,
    sender,
    senderName: alert.office,
    headline: alert.headline,
    description: alert.description,
    instruction: alert.instruction,
    response: 'Monitor',
    parameters: { BLOCKCHANNEL: ['EAS', 'NWEM', 'CMAS'], 'EAS-ORG': ['WXR'] },
    ...(fault.name === 'extra-column' ? { somethingNew: 'yes' } : {}),
  },
});
