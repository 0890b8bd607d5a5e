// What a true reading must be in Kafka: the envelope's contract (design.md), written from the truth and not from the
// row that was sent, so that no parser of the product can hide its own mistakes.
import type { ExpectedContent } from '../accounting/expected-record.ts';
import type { AirAreaReading } from './air-areas.ts';
import type { ServedAirReading } from './air-sensors.ts';
import type { AirportReport } from './airports.ts';
import type { BuoyReading } from './buoys.ts';
import type { Earthquake } from './earthquakes.ts';
import type { FireDetection } from './fires.ts';
import type { Reading } from './readings.ts';
import type { WeatherAlert } from './weather-alerts.ts';
import type { ForecastPeriod } from './weather-forecasts.ts';
import type { StationObservation } from './weather-stations.ts';
import type { Truth } from './world.ts';

/** The expected content of a served reading. */
export const expectedContent = (truth: Truth): ExpectedContent => {
  switch (truth.kind) {
    case 'firms':
      return fireContent(truth);
    case 'station':
      return stationContent(truth);
    case 'alert':
      return alertContent(truth);
    case 'purpleair':
      return airContent(truth);
    case 'forecast':
      return forecastContent(truth);
    case 'airnow':
      return airAreaContent(truth);
    case 'metar':
      return reportContent(truth);
    case 'earthquake':
      return earthquakeContent(truth);
    case 'reading':
      return readingContent(truth);
    case 'buoy':
      return buoyContent(truth);
  }
};

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

/** One tenth of a degree, printed with one decimal; minus zero has no sign. The world has no position on a tie. */
const tenth = (degrees: number): string => {
  const text = degrees.toFixed(1);
  return text === '-0.0' ? '0.0' : text;
};

const fireContent = (fire: FireDetection): ExpectedContent => ({
  kind: 'firms',
  naturalKey: fire.naturalKey,
  type: 'fire-detection',
  observedAt: iso(fire.acquiredAtMs),
  location: { latitude: fire.latitude, longitude: fire.longitude },
  data: {
    satellite: fire.satellite,
    instrument: fire.instrument,
    confidence: fire.confidence,
    confidenceClass: fire.confidenceClass,
    brightnessK: fire.brightnessK,
    brightnessLongwaveK: fire.brightnessLongwaveK,
    frpMw: fire.frpMw,
    scanKm: fire.scanKm,
    trackKm: fire.trackKm,
    dayNight: fire.dayNight,
    version: fire.version,
  },
  kafkaKey: `${tenth(fire.latitude)},${tenth(fire.longitude)}`,
  eventTimeMs: fire.acquiredAtMs,
});

const stationContent = (observation: StationObservation): ExpectedContent => {
  const { station } = observation;
  return {
    kind: 'station',
    naturalKey: observation.naturalKey,
    type: 'weather-observation',
    observedAt: iso(observation.observedAtMs),
    location: { latitude: station.latitude, longitude: station.longitude, elevationM: station.elevationM },
    data: {
      stationId: station.id,
      stationName: observation.named ? station.name : null,
      ...observation.measured,
      cloudCoverPercent: observation.cloudCoverPercent,
      description: observation.description,
      rawMetar: observation.rawMetar,
      quality: observation.quality,
    },
    kafkaKey: station.id,
    eventTimeMs: observation.observedAtMs,
  };
};

const alertContent = (alert: WeatherAlert): ExpectedContent => ({
  kind: 'alert',
  naturalKey: alert.naturalKey,
  type: 'weather-alert',
  observedAt: iso(alert.sentAtMs),
  data: {
    alertId: alert.alertId,
    event: alert.event,
    headline: alert.headline,
    description: alert.description,
    instruction: alert.instruction,
    severity: alert.severity,
    certainty: alert.certainty,
    urgency: alert.urgency,
    areaDescription: alert.areaDescription,
    effective: iso(alert.effectiveMs),
    onset: isoOrNull(alert.onsetMs),
    expires: iso(alert.expiresMs),
    ends: isoOrNull(alert.endsMs),
    status: 'Actual',
    messageType: alert.messageType,
    category: 'Met',
    sender: 'w-nws.webmaster@noaa.gov',
    references: alert.earlier.map((message) => message.alertId),
    geometry: alert.geometry,
  },
  kafkaKey: alert.earlier[0]?.alertId ?? alert.alertId,
  eventTimeMs: alert.sentAtMs,
});

const airContent = ({ reading, fields, naturalKey }: ServedAirReading): ExpectedContent => {
  const { sensor } = reading;
  const asked = <T>(field: string, value: T): T | null => (fields.has(field) ? value : null);
  const isPlaced = fields.has('latitude') && fields.has('longitude');
  return {
    kind: 'purpleair',
    naturalKey,
    type: 'air-quality',
    observedAt: iso(reading.lastSeenMs),
    ...(isPlaced
      ? {
          location: {
            latitude: sensor.latitude,
            longitude: sensor.longitude,
            ...(fields.has('altitude') ? { elevationM: sensor.altitudeM } : {}),
          },
        }
      : {}),
    data: {
      sensorIndex: sensor.sensorIndex,
      name: asked('name', sensor.name),
      pm1UgM3: asked('pm1.0', reading.pm1UgM3),
      pm25UgM3: asked('pm2.5', reading.pm25UgM3),
      pm10UgM3: asked('pm10.0', reading.pm10UgM3),
      temperatureC: asked('temperature', reading.temperatureC),
      relativeHumidityPercent: asked('humidity', reading.relativeHumidityPercent),
      pressurePa: asked('pressure', reading.pressurePa),
      altitudeM: asked('altitude', sensor.altitudeM),
      rssiDbm: asked('rssi', reading.rssiDbm),
      confidencePercent: asked('confidence', reading.confidencePercent),
    },
    kafkaKey: String(sensor.sensorIndex),
    eventTimeMs: reading.lastSeenMs,
  };
};

const metresPerSecond = (mph: number): number => mph * 0.44704;

const forecastContent = (period: ForecastPeriod): ExpectedContent => {
  const { gridpoint, windMph } = period;
  return {
    kind: 'forecast',
    naturalKey: period.naturalKey,
    type: 'weather-forecast',
    observedAt: iso(period.issuedAtMs),
    location: { latitude: gridpoint.latitude, longitude: gridpoint.longitude, elevationM: gridpoint.elevationM },
    data: {
      gridpoint: gridpoint.id,
      validFrom: iso(period.validFromMs),
      validTo: iso(period.validToMs),
      temperatureC: ((period.temperatureF - 32) * 5) / 9,
      windSpeedMps:
        windMph === null ? null : { low: metresPerSecond(windMph.low), high: metresPerSecond(windMph.high) },
      windDirection: period.windDirection,
      precipitationPercent: period.precipitationPercent,
      shortForecast: period.shortForecast,
      detailedForecast: period.detailedForecast,
    },
    kafkaKey: gridpoint.id,
    eventTimeMs: period.issuedAtMs,
  };
};

const airAreaContent = (reading: AirAreaReading): ExpectedContent => {
  const { area } = reading;
  return {
    kind: 'airnow',
    naturalKey: reading.naturalKey,
    type: 'air-quality',
    observedAt: iso(reading.observedAtMs),
    location: { latitude: area.latitude, longitude: area.longitude },
    data: {
      sensorIndex: null,
      name: area.name,
      pm1UgM3: null,
      pm25UgM3: null,
      pm10UgM3: null,
      temperatureC: null,
      relativeHumidityPercent: null,
      pressurePa: null,
      altitudeM: null,
      rssiDbm: null,
      confidencePercent: null,
      parameter: reading.parameter,
      aqi: reading.aqi,
      category: reading.category,
      area: `${area.name}, ${area.state}`,
    },
    kafkaKey: `${area.name}, ${area.state}`,
    eventTimeMs: reading.observedAtMs,
  };
};

const knot = 1.852 / 3.6;

const reportContent = (report: AirportReport): ExpectedContent => {
  const { airport } = report;
  const scaled = (value: number | null, factor: number): number | null => (value === null ? null : value * factor);
  return {
    kind: 'metar',
    naturalKey: report.naturalKey,
    type: 'weather-observation',
    observedAt: iso(report.observedAtMs),
    location: { latitude: airport.latitude, longitude: airport.longitude, elevationM: airport.elevationM },
    data: {
      stationId: airport.id,
      stationName: airport.name,
      temperatureC: report.temperatureC,
      dewpointC: report.dewpointC,
      relativeHumidityPercent: report.relativeHumidityPercent,
      windDirectionDeg: report.windDirectionDeg,
      windSpeedMps: scaled(report.windKnots, knot),
      windGustMps: scaled(report.gustKnots, knot),
      pressurePa: report.pressurePa,
      seaLevelPressurePa: report.seaLevelPressurePa,
      visibilityM: report.visibilityMiles * 1609.344,
      precipitationLastHourMm: scaled(report.rainInches, 25.4),
      heatIndexC: null,
      windChillC: null,
      cloudCoverPercent: report.cloudCoverPercent,
      description: report.weather,
      rawMetar: report.raw,
      quality: {},
    },
    kafkaKey: airport.id,
    eventTimeMs: report.observedAtMs,
  };
};

/** As config/examples/usgs-earthquakes.yaml maps it. Without a partition key its Kafka key is the record id. */
const earthquakeContent = (row: Earthquake): ExpectedContent => ({
  kind: 'earthquake',
  naturalKey: row.naturalKey,
  type: 'record',
  observedAt: iso(row.happenedAtMs),
  location: { latitude: row.latitude, longitude: row.longitude },
  data: {
    eventId: row.eventId,
    magnitude: row.magnitude,
    magnitudeType: 'ml',
    place: row.place,
    depthM: row.depthKm * 1000,
    status: row.status,
    hasTsunami: row.hasTsunami,
    updatedAt: iso(row.updatedAtMs),
  },
  kafkaKey: row.eventId,
  eventTimeMs: row.happenedAtMs,
});

/** As `readingFields` of the tests map it. */
const readingContent = (row: Reading): ExpectedContent => ({
  kind: 'reading',
  naturalKey: row.naturalKey,
  type: 'record',
  observedAt: iso(row.takenAtMs),
  location: { latitude: row.latitude, longitude: row.longitude },
  data: {
    readingNumber: row.number,
    sensor: row.sensor,
    temperatureC: row.fahrenheit === null ? null : ((row.fahrenheit - 32) * 5) / 9,
    windSpeedMps: row.milesPerHour === null ? null : row.milesPerHour * 0.44704,
    isChecked: row.isChecked,
    note: row.note,
  },
  kafkaKey: row.sensor,
  eventTimeMs: row.takenAtMs,
});

/** As config/examples/buoys.ts reads it. */
const buoyContent = (row: BuoyReading): ExpectedContent => ({
  kind: 'buoy',
  naturalKey: row.naturalKey,
  type: 'record',
  observedAt: iso(row.observedAtMs),
  data: { stationId: row.buoyId, ...row.measured },
  kafkaKey: row.buoyId,
  eventTimeMs: row.observedAtMs,
});
