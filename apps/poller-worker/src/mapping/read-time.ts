// Times of rows in the form that the mapping declares. Read strictly: a day that does not exist, or a text in another
// form, is a fault of its row and never a guess.
import {
  isNamedTimeFormat,
  parseTimePattern,
  type TimeToken,
} from '@stream-manager/shared/config/source-params/time-format';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { numberOf } from '../sources/decimals.ts';
import { isRealDay, lastInstantMs, parseInstant } from '../sources/instants.ts';
import { createLocalClock, type LocalClock } from './local-time.ts';

/** Reads times of one form. */
export interface TimeReader {
  /** Milliseconds since the epoch; null for a value that is no such time. */
  readonly read: (value: unknown) => number | null;
  /** What a right value looks like, for messages. */
  readonly expects: string;
}

/** Makes the reader of a form (`TimeFormat` of the config); `timeZone`: of times that name none. Throws `config_invalid`. */
export const createTimeReader = (format: string, timeZone: string | undefined): TimeReader => {
  const clock = timeZone === undefined ? undefined : createLocalClock(timeZone);
  if (isNamedTimeFormat(format)) {
    switch (format) {
      case 'unix_s':
        return { read: (value) => sinceEpoch(value, 1000), expects: 'a time as seconds since 1970' };
      case 'unix_ms':
        return { read: (value) => sinceEpoch(value, 1), expects: 'a time as milliseconds since 1970' };
      case 'iso8601':
        return isoReader(clock);
    }
  }
  return patternReader(format, clock);
};

const bounded = (ms: number | null): number | null => (ms !== null && ms >= 0 && ms <= lastInstantMs ? ms : null);

const sinceEpoch = (value: unknown, unitMs: number): number | null => {
  const number = typeof value === 'number' ? value : typeof value === 'string' ? numberOf(value.trim()) : Number.NaN;
  return Number.isFinite(number) ? bounded(Math.round(number * unitMs)) : null;
};

const withoutOffset = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?$/i;

const isoReader = (clock: LocalClock | undefined): TimeReader => ({
  read: (value) => {
    if (typeof value !== 'string') return null;
    const text = value.trim();
    // A blank for the T is what databases write.
    const withT = text.charCodeAt(10) === 0x20 ? `${text.slice(0, 10)}T${text.slice(11)}` : text;
    if (!withoutOffset.test(withT)) return parseInstant(withT);
    const wallMs = clock === undefined ? null : parseInstant(`${withT}Z`);
    return wallMs === null || clock === undefined ? null : bounded(clock(wallMs));
  },
  expects: `a time such as 2025-01-04T09:02:00${clock === undefined ? 'Z, with its offset' : ''}`,
});

const digits: Readonly<Record<TimeToken, string>> = {
  YYYY: '(\\d{4})',
  YY: '(\\d\\d)',
  MM: '(\\d\\d)',
  DD: '(\\d\\d)',
  HH: '(\\d\\d)',
  mm: '(\\d\\d)',
  ss: '(\\d\\d)',
  SSS: '(\\d\\d\\d)',
};

const patternReader = (pattern: string, clock: LocalClock | undefined): TimeReader => {
  const pieces = parseTimePattern(pattern);
  if (pieces === null || clock === undefined)
    throw new StreamManagerError('config_invalid', `"${pattern}" is no form of times, or names no time zone`);
  const tokens = pieces.flatMap((piece) => ('token' in piece ? [piece.token] : []));
  const form = pieces.map((piece) => ('token' in piece ? digits[piece.token] : escaped(piece.text))).join('');
  const shape = new RegExp(`^${form}$`);
  const placeOf = (token: TimeToken): number => tokens.indexOf(token) + 1;
  const [yearAt, shortYearAt] = [placeOf('YYYY'), placeOf('YY')];
  const [monthAt, dayAt] = [placeOf('MM'), placeOf('DD')];
  const [hourAt, minuteAt, secondAt, millisAt] = [placeOf('HH'), placeOf('mm'), placeOf('ss'), placeOf('SSS')];
  return {
    read: (value) => {
      const found = shape.exec(
        typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '',
      );
      if (found === null) return null;
      const part = (at: number): number => (at === 0 ? 0 : Number(found[at]));
      const year = shortYearAt === 0 ? part(yearAt) : 2000 + part(shortYearAt);
      const [month, day] = [part(monthAt), part(dayAt)];
      const [hour, minute, second] = [part(hourAt), part(minuteAt), part(secondAt)];
      if (!isRealDay(year, month, day) || hour > 23 || minute > 59 || second > 59) return null;
      return bounded(clock(Date.UTC(year, month - 1, day, hour, minute, second, part(millisAt))));
    },
    expects: `a time in the form ${pattern}`,
  };
};

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
