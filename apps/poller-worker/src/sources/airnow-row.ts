// One row of AirNow: the air quality index of one pollutant in one reporting area and hour. The row stands under every
// ZIP code of its area; its natural key does not hold the code, so that it is one record.
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { dayStartMs } from './instants.ts';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject, type JsonFields, jsonFields, readLocation } from './json-fields.ts';
import { hoursBehindUtc } from './us-time-zones.ts';

const hourMs = 3_600_000;

/** A row as a record, or why it is none. */
export const parseAirNowRow = (given: unknown): SourceRecord | InvalidRow => {
  const row = asObject(given);
  if (row === null) return invalidRow(given, rowFault('wrong_shape', 'row', 'an object', given));
  const fields = jsonFields(row);
  const name = fields.neededText('ReportingArea')?.trim() ?? '';
  const parameter = fields.neededText('ParameterName')?.trim() ?? '';
  const state = fields.text('StateCode')?.trim() ?? '';
  const observedAtMs = observedAt(fields);
  const location = readLocation(fields, row['Latitude'], row['Longitude'], null);
  const index = fields.number('AQI');
  const category = asObject(row['Category']);
  const word = category === null ? null : jsonFields(category, 'Category.').text('Name');
  const fault = fields.fault();
  if (fault !== null || observedAtMs === null || location === null)
    return invalidRow(given, fault ?? rowFault('missing_value', 'DateObserved', 'a day', null));
  // There are areas of one name in two states.
  const area = state === '' ? name : `${name}, ${state}`;
  // -1: there is no index for this hour, and its category is a word for that.
  const aqi = index === null || index < 0 ? null : index;
  return {
    type: 'air-quality',
    naturalKey: `${area}|${parameter}|${new Date(observedAtMs).toISOString()}`,
    observedAtMs,
    location,
    data: {
      sensorIndex: null,
      name,
      pm1UgM3: null,
      pm25UgM3: null,
      pm10UgM3: null,
      temperatureC: null,
      relativeHumidityPercent: null,
      pressurePa: null,
      altitudeM: null,
      rssiDbm: null,
      confidencePercent: null,
      parameter,
      aqi,
      category: aqi === null ? null : word,
      area,
    },
    partitionKey: area,
  };
};

/** The beginning of the hour: the API gives day, hour and zone apart, the day with a blank behind it. */
const observedAt = (fields: JsonFields): number | null => {
  const date = fields.neededText('DateObserved')?.trim() ?? '';
  const hour = fields.number('HourObserved');
  const zone = fields.neededText('LocalTimeZone') ?? '';
  const dayMs = dayStartMs(date);
  if (dayMs === null) return fields.fail(rowFault('bad_time', 'DateObserved', 'a day such as 2025-01-04', date));
  if (hour === null) return fields.fail(rowFault('missing_value', 'HourObserved', 'an hour from 0 to 23', hour));
  if (!Number.isInteger(hour) || hour < 0 || hour > 23)
    return fields.fail(rowFault('out_of_range', 'HourObserved', 'an hour from 0 to 23', hour));
  const behind = hoursBehindUtc(zone);
  if (behind === null)
    return fields.fail(rowFault('unknown_word', 'LocalTimeZone', 'a time zone of the United States such as PST', zone));
  const ms = dayMs + (hour + behind) * hourMs;
  return ms >= 0 ? ms : fields.fail(rowFault('bad_time', 'DateObserved', 'a day since 1970', date));
};
