// What a declared unit does to a number. Which units there are, and what each becomes, is the config's to say
// (`config/source-params/declared-units.ts`); here are the formulas, those that the types have too from `sources/units.ts`.
import type { DeclaredUnit } from '@stream-manager/shared/config/source-params/declared-units';
import {
  celsiusOfFahrenheit,
  celsiusOfKelvin,
  metresOfFeet,
  metresOfMiles,
  millimetresOfInches,
  mpsOfKmh,
  mpsOfKnots,
  mpsOfMph,
  pascalsOfHectopascals,
  pascalsOfInches,
} from '../sources/units.ts';

type Conversion = (value: number) => number;

const same: Conversion = (value) => value;
const times =
  (factor: number): Conversion =>
  (value) =>
    value * factor;

/** From the declared unit to that of the contract. */
export const unitConversions: Readonly<Record<DeclaredUnit, Conversion>> = {
  degC: same,
  degF: celsiusOfFahrenheit,
  K: celsiusOfKelvin,
  'm_s-1': same,
  'm/s': same,
  'km_h-1': mpsOfKmh,
  'km/h': mpsOfKmh,
  'mi_h-1': mpsOfMph,
  mph: mpsOfMph,
  kt: mpsOfKnots,
  Pa: same,
  hPa: pascalsOfHectopascals,
  mbar: pascalsOfHectopascals,
  kPa: times(1000),
  inHg: pascalsOfInches,
  mmHg: times(133.322_387_415),
  psi: times(6894.757_293_168),
  m: same,
  km: times(1000),
  ft: metresOfFeet,
  mi: metresOfMiles,
  nmi: times(1852),
  mm: same,
  cm: times(10),
  in: millimetresOfInches,
  // 1 kg of water on 1 m² stands 1 mm high.
  'kg_m-2': same,
  percent: same,
  '%': same,
  fraction: times(100),
  deg: same,
  rad: (radians) => (radians * 180) / Math.PI,
  s: same,
  ms: (milliseconds) => milliseconds / 1000,
  min: times(60),
  h: times(3600),
  W: same,
  kW: times(1000),
  MW: times(1_000_000),
  m2: same,
  km2: times(1_000_000),
  ha: times(10_000),
  // International acre.
  acre: times(4046.856_422_4),
  mi2: times(2_589_988.110_336),
  'ug_m-3': same,
  'mg_m-3': times(1000),
};
