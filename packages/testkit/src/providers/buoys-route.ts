// National Data Buoy Center: GET /data/realtime2/{BUOY}.txt, text in columns: two lines of names and units, then a line per
// reading, the newest first. `MM` stands for what was not measured.
import { type Answer, bareAnswer, faultyRows, plainText, type RouteRequest } from './answer.ts';
import type { BuoyReading } from './buoys.ts';
import type { MalformedKind } from './faults.ts';

const names = '#YY  MM DD hh mm WDIR WSPD GST  WVHT   PRES  ATMP  WTMP';
const units = '#yr  mo dy hr mn degT m/s  m/s     m    hPa  degC  degC';
const breakable: readonly MalformedKind[] = ['missing-column', 'surplus-column', 'not-a-number', 'unparsable-date'];

/** The file of one buoy. */
export const answerBuoy = (request: RouteRequest, buoyId: string): Answer => {
  const readings = request.world.buoys.readings(buoyId, request.atMs);
  if (readings === null) return bareAnswer(404, plainText, 'Not Found\n');
  const isWider = request.fault.name === 'extra-column';
  const { rows, truths, broken } = faultyRows<BuoyReading, readonly string[]>(readings, request, {
    kind: 'buoy',
    breakable,
    render: (reading) => [...cellsOf(reading), ...(isWider ? ['1.5'] : [])],
    breakRow: breakCells,
    textOf: lineOf,
  });
  const head = isWider ? [`${names}  TIDE`, `${units}    ft`] : [names, units];
  return {
    ...bareAnswer(200, plainText, `${[...head, ...rows.map(lineOf)].join('\n')}\n`),
    truths,
    broken,
    hasValidators: true,
  };
};

const lineOf = (cells: readonly string[]): string => cells.join(' ');

const cellsOf = ({ observedAtMs, measured }: BuoyReading): string[] => {
  const shown = (value: number | null, divisor = 1): string => (value === null ? 'MM' : String(value / divisor));
  return [
    ...new Date(observedAtMs).toISOString().slice(0, 16).split(/[-T:]/),
    shown(measured.windDirectionDeg),
    shown(measured.windSpeedMps),
    shown(measured.windGustMps),
    shown(measured.waveHeightM),
    shown(measured.seaLevelPressurePa, 100),
    shown(measured.temperatureC),
    shown(measured.waterTemperatureC),
  ];
};

const breakCells = (cells: readonly string[], kind: MalformedKind): readonly string[] => {
  if (kind === 'missing-column') return cells.slice(0, -1);
  if (kind === 'surplus-column') return [...cells, '1'];
  return kind === 'unparsable-date' ? cells.with(1, 'xx') : cells.with(6, 'abc');
};
