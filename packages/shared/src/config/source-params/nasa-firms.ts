// `params` of type nasa-firms: fire detections by satellite, as CSV by area.
import { z } from 'zod';
import { choice, freeText, wholeNumber } from '../fields.ts';
import { boundingBox } from './bounding-box.ts';

/** Data sets of the FIRMS area API: NRT as they come in, SP in science quality months later, LANDSAT for the US and Canada. */
export const firmsDatasets = [
  'VIIRS_SNPP_NRT',
  'VIIRS_NOAA20_NRT',
  'VIIRS_NOAA21_NRT',
  'MODIS_NRT',
  'LANDSAT_NRT',
  'VIIRS_SNPP_SP',
  'VIIRS_NOAA20_SP',
  'MODIS_SP',
] as const;

export const firmsParams = z
  .strictObject({
    mapKey: freeText(
      'MAP_KEY of FIRMS (free, by e-mail); from the environment, `"${FIRMS_MAP_KEY}"`.',
      'a MAP_KEY of FIRMS',
    ),
    dataset: choice('Satellite and quality.', firmsDatasets).default('VIIRS_SNPP_NRT'),
    bbox: boundingBox('Area: [west, south, east, north] in degrees.'),
    dayRange: wholeNumber(
      'Days that each poll asks for, today included; of a standard data set (…_SP) its newest ones. After a pause of ours the days that were missed come on top (31 at most), and for the first six hours of a day (UTC) the day before, since rows come late. Above 5 days a poll takes several requests. Ids are remembered for the range and a day more at least.',
      {
        min: 1,
        max: 10,
        unit: 'days',
      },
    ).default(1),
  })
  .describe('Fire detections by satellite (NASA FIRMS).');
