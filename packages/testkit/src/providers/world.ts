// The simulated world: what is true out there at any time, for all providers. It is a pure function of
// (seed, startAt, options, time) and knows nothing of HTTP, faults or what was served.
import { type AirAreaOptions, type AirAreaReading, type AirAreas, createAirAreas } from './air-areas.ts';
import { type AirSensorOptions, type AirSensors, createAirSensors, type ServedAirReading } from './air-sensors.ts';
import { type AirportOptions, type AirportReport, type Airports, createAirports } from './airports.ts';
import { type BuoyOptions, type BuoyReading, type Buoys, createBuoys } from './buoys.ts';
import { createEarthquakes, type Earthquake, type EarthquakeOptions, type Earthquakes } from './earthquakes.ts';
import { createFires, type FireDetection, type FireOptions, type Fires } from './fires.ts';
import { createReadings, type Reading, type ReadingOptions, type Readings } from './readings.ts';
import { type AlertOptions, createWeatherAlerts, type WeatherAlert, type WeatherAlerts } from './weather-alerts.ts';
import {
  createWeatherForecasts,
  type ForecastOptions,
  type ForecastPeriod,
  type WeatherForecasts,
} from './weather-forecasts.ts';
import {
  createWeatherStations,
  type StationObservation,
  type StationOptions,
  type WeatherStations,
} from './weather-stations.ts';

export interface WorldOptions {
  /** Any number; with `startAt` it decides everything. */
  readonly seed: number;
  /** Epoch milliseconds at which the world begins. Nothing is older, except fires by a few hours. */
  readonly startAt: number;
  /** Stops the world at `startAt`: every answer has exactly the same rows. Default false. */
  readonly static?: boolean;
  readonly firms?: FireOptions;
  readonly stations?: StationOptions;
  readonly alerts?: AlertOptions;
  readonly purpleair?: AirSensorOptions;
  readonly forecasts?: ForecastOptions;
  readonly airnow?: AirAreaOptions;
  readonly metar?: AirportOptions;
  readonly earthquakes?: EarthquakeOptions;
  readonly readings?: ReadingOptions;
  readonly buoys?: BuoyOptions;
}

/** A true reading, as a provider serves it. */
export type Truth =
  | FireDetection
  | StationObservation
  | WeatherAlert
  | ServedAirReading
  | ForecastPeriod
  | AirAreaReading
  | AirportReport
  | Earthquake
  | Reading
  | BuoyReading;

export interface World {
  readonly seed: number;
  readonly startAt: number;
  readonly fires: Fires;
  readonly stations: WeatherStations;
  readonly alerts: WeatherAlerts;
  readonly airSensors: AirSensors;
  readonly forecasts: WeatherForecasts;
  readonly airAreas: AirAreas;
  readonly airports: Airports;
  readonly earthquakes: Earthquakes;
  readonly readings: Readings;
  readonly buoys: Buoys;
  /** The world's own time for a time of the clock: `startAt` for ever in a static world, never before `startAt`. */
  timeAt(clockMs: number): number;
}

/**
 * Makes a world. Two worlds with the same seed and start are the same; with another seed or start all natural keys
 * differ (positions, station ids, sensor indexes and alert ids are drawn anew from both).
 */
export const createWorld = (options: WorldOptions): World => {
  const { seed, startAt } = options;
  return {
    seed,
    startAt,
    fires: createFires(seed, startAt, options.firms),
    stations: createWeatherStations(seed, startAt, options.stations),
    alerts: createWeatherAlerts(seed, startAt, options.alerts),
    airSensors: createAirSensors(seed, startAt, options.purpleair),
    forecasts: createWeatherForecasts(seed, startAt, options.forecasts),
    airAreas: createAirAreas(seed, startAt, options.airnow),
    airports: createAirports(seed, startAt, options.metar),
    earthquakes: createEarthquakes(seed, startAt, options.earthquakes),
    readings: createReadings(seed, startAt, options.readings),
    buoys: createBuoys(seed, startAt, options.buoys),
    timeAt: (clockMs) => (options.static ? startAt : Math.max(startAt, clockMs)),
  };
};
