// Times as people write them in the config: a number with its unit, such as `15m`.

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What a duration looks like, for messages. */
export const durationForm = 'a number with ms, s, m, h or d, such as 15m';

/** Milliseconds of `250ms`, `30s`, `15m`, `1.5h` or `2d`, rounded to whole ones; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  // The pattern above leaves only these five units.
  const unit = match[2] as keyof typeof unitsMs;
  return Math.round(Number(match[1]) * unitsMs[unit]);
}

/** The shortest exact form: 900000 → `15m`, 1500 → `1500ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms !== 0 && ms % unitsMs[unit] === 0) return `${ms / unitsMs[unit]}${unit}`;
  return `${ms}ms`;
}
