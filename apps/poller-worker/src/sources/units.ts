// Measurements in the units of the contract, whatever the provider measures in. A unit that is not in the table is never
// guessed: a wind of 12 km/h published as 12 m/s does more harm than a missing reading.

/** Units of the contract that a provider's may be turned into. */
export type TargetUnit = 'degC' | 'm/s' | 'Pa' | 'm' | 'mm' | 'percent' | 'degree';

/** Fahrenheit to Celsius. */
export const celsiusOfFahrenheit = (degrees: number): number => ((degrees - 32) * 5) / 9;

/** Kelvin to Celsius. */
export const celsiusOfKelvin = (kelvin: number): number => kelvin - 273.15;

/** Kilometres an hour to metres a second. */
export const mpsOfKmh = (kmh: number): number => kmh / 3.6;

/** Miles an hour to metres a second. */
export const mpsOfMph = (mph: number): number => mph * 0.44704;

/** Knots to metres a second. */
export const mpsOfKnots = (knots: number): number => (knots * 1.852) / 3.6;

/** Statute miles to metres. */
export const metresOfMiles = (miles: number): number => miles * 1609.344;

/** Inches to millimetres. */
export const millimetresOfInches = (inches: number): number => inches * 25.4;

/** Inches of mercury, at 0 °C as barometers are read, to pascal. */
export const pascalsOfInches = (inches: number): number => inches * 3386.389;

/** Feet to metres. */
export const metresOfFeet = (feet: number): number => feet * 0.3048;

/** Hectopascal to pascal. Rounded to a millionth of a pascal: 1010.43 × 100 is not quite 101043 in binary. */
export const pascalsOfHectopascals = (hectopascals: number): number => Math.round(hectopascals * 1e8) / 1e6;

const same = (value: number): number => value;

/** By target, then by the WMO name of the unit (codes.wmo.int/common/unit) as NWS writes it. */
const conversions: Readonly<Record<TargetUnit, Readonly<Record<string, (value: number) => number>>>> = {
  degC: { degC: same, degF: celsiusOfFahrenheit, K: celsiusOfKelvin },
  'm/s': {
    m_s_1: same,
    km_h_1: mpsOfKmh,
    kt: mpsOfKnots,
    mi_h_1: mpsOfMph,
  },
  Pa: { Pa: same, hPa: pascalsOfHectopascals, kPa: (kilopascals) => kilopascals * 1000 },
  m: { m: same, km: (kilometres) => kilometres * 1000, ft: metresOfFeet, mi: metresOfMiles },
  // 1 kg of water on 1 m² stands 1 mm high.
  mm: {
    mm: same,
    kg_m_2: same,
    cm: (centimetres) => centimetres * 10,
    m: (metres) => metres * 1000,
    in: millimetresOfInches,
  },
  percent: { percent: same },
  degree: { 'degree_(angle)': same },
};

/**
 * A value in the target's unit, by what its unit code says: `wmoUnit:km_h-1`, `unit:km_h-1` or the unit's full address.
 * Null for a unit that is unknown or measures something else.
 */
export const convert = (value: number, unitCode: string, target: TargetUnit): number | null => {
  const name = unitCode.slice(Math.max(unitCode.lastIndexOf(':'), unitCode.lastIndexOf('/')) + 1);
  const table = conversions[target];
  const key = name.replaceAll('-', '_');
  return Object.hasOwn(table, key) ? (table[key]?.(value) ?? null) : null;
};
