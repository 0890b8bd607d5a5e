// Units that a mapping may declare for a field, and the unit of the contract each is turned into. The conversions
// themselves are the poller's (`mapping/unit-conversions.ts`). Free of zod.

/** Name → the unit that the value has afterwards. Names are the WMO's (codes.wmo.int/common/unit), and common spellings. */
export const declaredUnits = {
  degC: 'degC',
  degF: 'degC',
  K: 'degC',
  'm_s-1': 'm/s',
  'm/s': 'm/s',
  'km_h-1': 'm/s',
  'km/h': 'm/s',
  'mi_h-1': 'm/s',
  mph: 'm/s',
  kt: 'm/s',
  Pa: 'Pa',
  hPa: 'Pa',
  mbar: 'Pa',
  kPa: 'Pa',
  inHg: 'Pa',
  mmHg: 'Pa',
  psi: 'Pa',
  m: 'm',
  km: 'm',
  ft: 'm',
  mi: 'm',
  nmi: 'm',
  mm: 'mm',
  cm: 'mm',
  in: 'mm',
  'kg_m-2': 'mm',
  percent: 'percent',
  '%': 'percent',
  fraction: 'percent',
  deg: 'degree',
  rad: 'degree',
  s: 's',
  ms: 's',
  min: 's',
  h: 's',
  W: 'W',
  kW: 'W',
  MW: 'W',
  m2: 'm2',
  km2: 'm2',
  ha: 'm2',
  acre: 'm2',
  mi2: 'm2',
  'ug_m-3': 'ug/m3',
  'mg_m-3': 'ug/m3',
} as const satisfies Readonly<Record<string, string>>;

/** A unit that a field may be declared to come in. */
export type DeclaredUnit = keyof typeof declaredUnits;

/** All of them, for the schema; there is at least one. */
export const declaredUnitNames = Object.keys(declaredUnits) as [DeclaredUnit, ...DeclaredUnit[]];
