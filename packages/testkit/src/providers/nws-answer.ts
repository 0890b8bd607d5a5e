// The form that all answers of the NWS API share: GeoJSON with a linked-data context, problems as problem+json, and
// the refusal of requests that do not say who asks.
import { type Answer, bareAnswer } from './answer.ts';

export const nwsContext = [
  'https://geojson.org/geojson-ld/geojson-context.jsonld',
  {
    '@version': '1.1',
    wx: 'https://api.weather.gov/ontology#',
    s: 'https://schema.org/',
    geo: 'http://www.opengis.net/ont/geosparql#',
    unit: 'http://codes.wmo.int/common/unit/',
    '@vocab': 'https://api.weather.gov/ontology#',
  },
];

/** A GeoJSON answer without rows; the caller adds them. */
export const geoJson = (document: unknown): Answer =>
  bareAnswer(200, 'application/geo+json', JSON.stringify(document, null, 2));

/** A problem answer (RFC 7807), as the API gives it for bad requests and unknown things. */
export const nwsProblem = (status: number, title: string, detail: string): Answer =>
  bareAnswer(
    status,
    'application/problem+json',
    JSON.stringify(
      {
        correlationId: '00000000',
        title,
        type: `https://api.weather.gov/problems/${title.replaceAll(' ', '')}`,
        status,
        detail,
        instance: 'https://api.weather.gov/requests/00000000',
      },
      null,
      2,
    ),
  );

/** What a request without `User-Agent` gets: a page of the gateway, not of the API. */
export const nwsForbidden = (): Answer =>
  bareAnswer(
    403,
    'text/html',
    "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\nYou don't have permission to access this server.\n</BODY></HTML>\n",
  );
