// What a declared unit does to a number. Which units there are, and what each becomes, is the config's to say
// (`config/source-params/declared-units.ts`); here are the formulas.
import type { DeclaredUnit } from '@stream-manager/shared/config/source-params/declared-units';
import { celsiusOfFahrenheit, metresOfFeet, pascalsOfHectopascals } from '../sources/units.ts';

type Conversion = (value: number) => number;

const same: Conversion = (value) => value;
const times =
  (factor: number): Conversion =>
  (value) =>
    value * factor;

const kmh: Conversion = (value) => value / 3.6;
const mph = times(0.44704);

/** From the declared unit to that of the contract. */
export const unitConversions: Readonly<Record<DeclaredUnit, Conversion>> = {
  degC: same,
  degF: celsiusOfFahrenheit,
  K: (kelvin) => kelvin - 273.15,
  'm_s-1': same,
  'm/s': same,
  'km_h-1': kmh,
  'km/h': kmh,
  'mi_h-1': mph,
  mph,
  kt: (knots) => (knots * 1.852) / 3.6,
  Pa: same,
  hPa: pascalsOfHectopascals,
  mbar: pascalsOfHectopascals,
  kPa: times(1000),
  // Mercury at 0 °C, as barometers are read.
  inHg: times(3386.389),
  mmHg: times(133.322_387_415),
  psi: times(6894.757_293_168),
  m: same,
  km: times(1000),
  ft: metresOfFeet,
  mi: times(1609.344),
  nmi: times(1852),
  mm: same,
  cm: times(10),
  in: times(25.4),
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
