// FIRMS: GET /api/data_availability/csv/{MAP_KEY}/{SOURCE|ALL}, CSV: the days that each data set has.
import { type Answer, bareAnswer, plainText, type RouteRequest } from './answer.ts';
import { firmsDatasets } from './fires.ts';

const dayMs = 86_400_000;

/** Days behind today: near-real-time data go back two months, the standard ones end there and go back for years. */
const nrtDays = 60;
const spDays = 3650;

/** Answers with the first and last day of one data set, or of all. */
export const createFirmsAvailabilityRoute =
  (options: { readonly mapKeys: readonly string[] }) =>
  (request: RouteRequest, [mapKey = '', source = '']: readonly string[]): Answer => {
    if (!options.mapKeys.includes(decodeURIComponent(mapKey))) return bareAnswer(200, plainText, 'Invalid MAP_KEY.');
    const day = (back: number): string => new Date(request.atMs - back * dayMs).toISOString().slice(0, 10);
    const rows = Object.keys(firmsDatasets)
      .filter((name) => source.toUpperCase() === 'ALL' || source === name)
      .map((name) =>
        name.endsWith('_SP') ? `${name},${day(spDays)},${day(nrtDays)}` : `${name},${day(nrtDays)},${day(0)}`,
      );
    if (rows.length === 0) return bareAnswer(400, plainText, 'Invalid source.');
    return bareAnswer(200, 'text/csv; charset=utf-8', `${['data_id,min_date,max_date', ...rows].join('\n')}\n`);
  };
