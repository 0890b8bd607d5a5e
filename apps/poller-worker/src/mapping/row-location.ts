// Where a row was observed: by the paths that the mapping names, else the point of a GeoJSON feature.
import type { MappingSettings } from '@stream-manager/shared/config/source-params/mapping';
import type { Location } from '@stream-manager/shared/records/envelope';
import { asObject } from '../sources/json-fields.ts';
import { createPathReader, type PathReader } from './read-path.ts';
import type { RowFaults } from './row-faults.ts';
import { unitConversions } from './unit-conversions.ts';
import { readNumber } from './value-readers.ts';

/** Null when the row has no position, or one that is none (with a fault). */
export type LocationReader = (row: unknown) => Location | null;

export const createLocationReader = (
  settings: Pick<MappingSettings, 'latitude' | 'longitude' | 'elevation'>,
  faults: RowFaults,
): LocationReader => {
  const { fail, given } = faults;
  const number = (value: unknown, name: string): number | null => {
    if (value === null) return null;
    const read = readNumber(value);
    return typeof read === 'number' ? read : fail('not_a_number', name, 'a number', value);
  };
  const place = (latitude: unknown, longitude: unknown, names: readonly [string, string]): Location | null => {
    const [north, east] = [number(given(latitude), names[0]), number(given(longitude), names[1])];
    if (north === null || east === null) {
      if (north !== east) fail('missing_value', north === null ? names[0] : names[1], 'a number', null);
      return null;
    }
    if (Math.abs(north) > 90) return fail('out_of_range', names[0], 'degrees from -90 to 90', latitude);
    if (Math.abs(east) > 180) return fail('out_of_range', names[1], 'degrees from -180 to 180', longitude);
    return { latitude: north, longitude: east };
  };
  const readPlace = placeReader(settings, place, faults);
  const { elevation } = settings;
  if (elevation === undefined) return readPlace;
  const readElevation = createPathReader(elevation.path);
  const toMetres = unitConversions[elevation.unit];
  return (row) => {
    const location = readPlace(row);
    const height = number(given(readElevation(row)), elevation.path);
    return location === null || height === null ? location : { ...location, elevationM: toMetres(height) };
  };
};

type Place = (latitude: unknown, longitude: unknown, names: readonly [string, string]) => Location | null;

const placeReader = (
  { latitude, longitude }: Pick<MappingSettings, 'latitude' | 'longitude'>,
  place: Place,
  { fail }: RowFaults,
): LocationReader => {
  if (latitude === undefined || longitude === undefined)
    return (row) => {
      // Only a point is a position: where an area or a track lies is not for us to say.
      const geometry = isFeature(row) ? asObject(row['geometry']) : null;
      if (geometry?.['type'] !== 'Point') return null;
      const at = geometry['coordinates'];
      if (!Array.isArray(at)) return fail('wrong_shape', 'geometry.coordinates', 'a position', at);
      return place(at[1], at[0], ['geometry.coordinates[1]', 'geometry.coordinates[0]']);
    };
  const readers: readonly [PathReader, PathReader] = [createPathReader(latitude), createPathReader(longitude)];
  return (row) => place(readers[0](row), readers[1](row), [latitude, longitude]);
};

/** A GeoJSON feature, whose own fields are its properties. */
export const isFeature = (row: unknown): row is Readonly<Record<string, unknown>> =>
  asObject(row)?.['type'] === 'Feature' && asObject(asObject(row)?.['properties']) !== null;
