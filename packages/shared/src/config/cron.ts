// Reads cron expressions far enough to refuse wrong ones when the config is loaded, and to know the shortest time between
// two ticks. The ticks themselves are BullMQ's business, which reads the same five or six fields.

/** What is known of an expression; `shortestGapMs` never is above the true one (weekdays and months are not looked at). */
export type CronFacts =
  | { readonly ok: true; readonly shortestGapMs: number }
  | { readonly ok: false; readonly reason: string };

type Field = { readonly name: string; readonly min: number; readonly max: number; readonly names?: readonly string[] };

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly Field[] = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'day of week', min: 0, max: 7, names: weekdays },
];
const longestMonth: readonly number[] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Five fields (minute, hour, day of month, month, day of week), or six with the second first. */
export function readCron(expression: string): CronFacts {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6)
    return {
      ok: false,
      reason: 'must have five fields (minute, hour, day of month, month, day of week), or six with the second first',
    };
  const written = parts.length === 5 ? ['0', ...parts] : parts;
  const sets: (readonly number[])[] = [];
  for (const [index, field] of fields.entries()) {
    const values = readField(written[index] ?? '', field);
    if (typeof values === 'string') return { ok: false, reason: `has a wrong ${field.name}: ${values}` };
    sets.push(values);
  }
  const [seconds = [], minutes = [], hours = [], days = [], monthNumbers = [], weekdayNumbers = []] = sets;
  const anyWeekday = new Set(weekdayNumbers.map((day) => day % 7)).size === 7;
  const firstDay = days[0] ?? 1;
  if (anyWeekday && monthNumbers.every((month) => firstDay > (longestMonth[month - 1] ?? 31)))
    return { ok: false, reason: 'never comes: no such month has that day' };
  return { ok: true, shortestGapMs: shortestGap(seconds, minutes, hours) * 1_000 };
}

function readField(text: string, field: Field): readonly number[] | string {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\*|\?|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:\/(\d{1,4}))?$/.exec(part);
    if (match === null) return `"${part}" is none of *, 5, 1-5, */10, 0-30/5, or a list of these`;
    const [, first = '', last, every] = match;
    const isAny = first === '*' || first === '?';
    const from = isAny ? field.min : readValue(first, field);
    const to = isAny ? field.max : last !== undefined ? readValue(last, field) : every !== undefined ? field.max : from;
    const step = every === undefined ? 1 : Number(every);
    if (from === undefined || to === undefined || (isAny && last !== undefined))
      return `"${part}" is not from ${field.min} to ${field.max}`;
    if (from > to) return `"${part}" runs backwards`;
    if (step < 1) return `"${part}" has a step of 0`;
    for (let value = from; value <= to; value += step) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}

function readValue(text: string, field: Field): number | undefined {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + field.min;
  if (!/^\d{1,4}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= field.min && value <= field.max ? value : undefined;
}

/** Seconds between the two nearest ticks of a day, the last of one day and the first of the next included. */
function shortestGap(seconds: readonly number[], minutes: readonly number[], hours: readonly number[]): number {
  let shortest = 86_400;
  let first: number | undefined;
  let last: number | undefined;
  for (const hour of hours)
    for (const minute of minutes)
      for (const second of seconds) {
        const now = hour * 3_600 + minute * 60 + second;
        if (last !== undefined) shortest = Math.min(shortest, now - last);
        first ??= now;
        last = now;
      }
  return first === undefined || last === undefined ? shortest : Math.min(shortest, first + 86_400 - last);
}
