// A bounding box as four numbers, the form that all map providers share: [west, south, east, north].
import { z } from 'zod';
import { fieldFacts } from '../fields.ts';

/** [west, south, east, north] in degrees (WGS84). */
export type BoundingBox = readonly [west: number, south: number, east: number, north: number];

const longitude = z
  .number()
  .min(-180)
  .max(180)
  .register(fieldFacts, { expects: 'a longitude from -180 to 180 (degrees)' });
const latitude = z.number().min(-90).max(90).register(fieldFacts, { expects: 'a latitude from -90 to 90 (degrees)' });

/** A box whose west is west of its east and whose south is south of its north. */
export const boundingBox = (about: string) =>
  z
    .tuple([longitude, latitude, longitude, latitude])
    .superRefine(([west, south, east, north], context) => {
      if (west >= east)
        context.addIssue({
          code: 'custom',
          message: `must run from west to east, and ${west} is not west of ${east}: the order is [west, south, east, north]; an area over the 180th meridian needs two sources`,
        });
      else if (south >= north)
        context.addIssue({
          code: 'custom',
          message: `must run from south to north, and ${south} is not south of ${north}: the order is [west, south, east, north]`,
        });
    })
    .describe(about)
    .register(fieldFacts, {
      expects: 'four numbers [west, south, east, north] in degrees',
      example: [-124.48, 32.53, -114.13, 42.01],
    });
