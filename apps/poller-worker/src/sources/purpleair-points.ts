// What a request to PurpleAir costs, in points of the key: the unit of a PurpleAir source's `dailyBudget`.
//
//   total = base cost of the address + (sum of the costs of all fields) × rows of the answer
//
// (https://community.purpleair.com/t/api-pricing/4523). `GET /v1/sensors` costs 5 a request. A field costs 1 or 2; which
// one stands only in the price list behind the login (https://develop.purpleair.com/pricing), of which
// https://github.com/home-assistant/core/issues/93428 tells. The forum's own example has 2 for `pm2.5`. So 2 is taken for
// every field: a budget that is a little too careful ends a day early, one that is too generous ends with an empty key.

/** Of one `GET /v1/sensors`. */
const pointsOfRequest = 5;

/** Of one field of one row; `sensor_index` comes by itself and is not asked for. */
const pointsOfField = 2;

/** Points of an answer with `rows` rows of `fields` fields that were asked for. */
export const purpleAirPoints = (fields: number, rows: number): number =>
  pointsOfRequest + pointsOfField * fields * rows;
