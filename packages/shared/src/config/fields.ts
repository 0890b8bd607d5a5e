// The leaves of the config schema. Each carries two texts beside its zod checks: what the field is for (`describe`, shown
// in docs/configuration.md and in editors) and what a right value looks like (`expects`, shown in errors and docs),
// so that all three say the same.
import { z } from 'zod';
import { durationForm, parseDuration } from './durations.ts';

/** What messages and docs know of a field beside its description. */
export type FieldFacts = {
  /** A right value in words, without "expected": `a whole number from 1 to 100 (records)`. */
  readonly expects: string;
  /** A right value, for fields that must be written: shown in the docs, and held in place of a wrong one while the rest is checked. */
  readonly example?: unknown;
  /** Why a wrong value is not accepted, where that needs a reason; undefined for values that are merely wrong. */
  readonly whyNot?: (value: unknown) => string | undefined;
  /** Any text is right here, also one that holds a literal `${`. */
  readonly freeText?: boolean;
  /** For a map with names of the user's choice: names that exist without being written in the file. */
  readonly builtInNames?: readonly string[];
  /** For a map with names of the user's choice: the names are source ids. */
  readonly namedBySource?: boolean;
};

/** Facts by schema; a schema derived with `.describe()` or the like inherits those of its origin. */
export const fieldFacts = z.registry<FieldFacts>();

const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** A whole number between two bounds, both allowed. */
export const wholeNumber = (about: string, limits: { min: number; max: number; unit?: string }) =>
  z
    .number()
    .int()
    .min(limits.min)
    .max(limits.max)
    .describe(about)
    .register(fieldFacts, { expects: `a whole number${range(limits)}` });

/** A number between two bounds, both allowed. */
export const anyNumber = (about: string, limits: { min: number; max: number; unit?: string }) =>
  z
    .number()
    .min(limits.min)
    .max(limits.max)
    .describe(about)
    .register(fieldFacts, { expects: `a number${range(limits)}` });

const range = ({ min, max, unit }: { min: number; max: number; unit?: string }): string =>
  ` from ${min < 1 ? min : number(min)} to ${max < 1 ? max : number(max)}${unit === undefined ? '' : ` (${unit})`}`;

/** `true` or `false`. */
export const flag = (about: string) => z.boolean().describe(about).register(fieldFacts, { expects: 'true or false' });

/** One of a few words. */
export const choice = <const T extends readonly [string, ...string[]]>(about: string, values: T) =>
  z
    .enum(values)
    .describe(about)
    .register(fieldFacts, {
      expects: values.length === 1 ? `only ${values[0]}` : `one of ${values.join(', ')}`,
      example: values[0],
    });

/** Does this text still hold a `${NAME}`? Inside `sources` a process that does not need the secrets leaves it as it is. */
export const holdsVariable = (value: string): boolean => /\$\{[A-Za-z_]\w*\}/.test(value);

/** Any text of 1 to 65,536 characters. */
export const freeText = (about: string, expects = 'a text') =>
  z
    .string()
    .min(1)
    .max(65_536)
    .describe(about)
    .register(fieldFacts, { expects, example: 'a text of some length', freeText: true });

/** Text of a certain form, at most 1,000 characters. A text that still holds a `${NAME}` is let through. */
export const formedText = (
  about: string,
  form: { expects: string; fits: RegExp | ((text: string) => boolean); example?: string },
) => {
  const { fits, expects, example } = form;
  const test = typeof fits === 'function' ? fits : (value: string): boolean => fits.test(value);
  return z
    .string()
    .max(1_000)
    .refine((value) => holdsVariable(value) || test(value), { params: { plain: true } })
    .describe(about)
    .register(fieldFacts, example === undefined ? { expects } : { expects, example });
};

/** A name that Kafka accepts for a topic. */
export const topicName = (about: string) =>
  formedText(about, {
    expects: 'a topic name: 1 to 249 letters, digits, dots, underscores or hyphens, but not "." or ".."',
    fits: isTopicName,
    example: 'wildfire-data',
  });

/** Kafka's own rule for topic names. */
export const isTopicName = (name: string): boolean =>
  /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';

type DurationLimits = { minMs: number; maxMs: number; rangeText: string };

const millisecondsOf = (value: string, { minMs, maxMs }: DurationLimits, context: z.core.$RefinementCtx): number => {
  const ms = parseDuration(value);
  if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
  context.addIssue({ code: 'custom', params: { plain: true } });
  return z.NEVER;
};

/** A duration; the output is in milliseconds. */
export const duration = (about: string, limits: DurationLimits) =>
  z
    .string()
    .transform((value, context): number => millisecondsOf(value, limits, context))
    .describe(about)
    .register(fieldFacts, { expects: `${durationForm} (${limits.rangeText})` });

/** A duration, in milliseconds; or `off`, which is null. */
export const durationOrOff = (about: string, limits: DurationLimits) =>
  z
    .string()
    .transform((value, context): number | null => (value === 'off' ? null : millisecondsOf(value, limits, context)))
    .describe(about)
    .register(fieldFacts, { expects: `${durationForm} (${limits.rangeText}), or off` });

const longestExpression = 200;

const compiles = (source: string): boolean => {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
};

/** A JavaScript regular expression that compiles, at most 200 characters. */
export const expression = (about: string) =>
  z
    .string()
    .min(1)
    .max(longestExpression)
    .refine(compiles, { error: 'is no regular expression that JavaScript can compile' })
    .describe(about)
    .register(fieldFacts, {
      expects: `a regular expression of at most ${longestExpression} characters`,
      example: '^firms_',
    });

/** An address of which only scheme, host and port count; the output has no slash at its end. */
export const webOrigin = (about: string, example?: string) =>
  z
    .string()
    .max(1_000)
    .transform((value, context): string => {
      if (holdsVariable(value)) return value;
      const fault = originFault(value);
      if (fault === undefined) return value.replace(/\/$/, '');
      context.addIssue({ code: 'custom', message: fault });
      return z.NEVER;
    })
    .describe(about)
    .register(fieldFacts, {
      expects: 'an http or https address without a path, such as https://api.example.org',
      ...(example === undefined ? {} : { example }),
    });

const originFault = (value: string): string | undefined => {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return 'must be an http or https address';
  const url = new URL(value);
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user or password: they would stand in logs. Use headers or params';
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    return 'must be scheme, host and port only: the source type adds its own path';
  return undefined;
};
