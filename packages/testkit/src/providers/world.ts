// The simulated world: what is true out there at any time, for all providers. It is a pure function of
// (seed, startAt, options, time) and knows nothing of HTTP, faults or what was served.
import { type AirSensorOptions, type AirSensors, createAirSensors, type ServedAirReading } from './air-sensors.ts';
import { createFires, type FireDetection, type FireOptions, type Fires } from './fires.ts';
import { type AlertOptions, createWeatherAlerts, type WeatherAlert, type WeatherAlerts } from './weather-alerts.ts';
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
}

/** A true reading, as a provider serves it. */
export type Truth = FireDetection | StationObservation | WeatherAlert | ServedAirReading;

export interface World {
  readonly seed: number;
  readonly startAt: number;
  readonly fires: Fires;
  readonly stations: WeatherStations;
  readonly alerts: WeatherAlerts;
  readonly airSensors: AirSensors;
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
    timeAt: (clockMs) => (options.static ? startAt : Math.max(startAt, clockMs)),
  };
};
