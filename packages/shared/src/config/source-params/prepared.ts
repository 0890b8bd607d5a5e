// `params` of the types whose connectors arrive later: metar. The config accepts them now, so that
// files need not change when the connectors come; they will be widened, not changed.
import { z } from 'zod';
import { stationIds } from './noaa.ts';

export const metarParams = z
  .strictObject({ stations: stationIds('Airports by ICAO code, such as `KLAX`.') })
  .describe('Weather reports of airports (METAR).');
