// How a row of an API that nobody here knew becomes a record: the keys that `params` of http, push and mqtt share. What
// they do to a row is the poller's (`apps/poller-worker/src/mapping/`).
import { z } from 'zod';
import { choice, fieldFacts, flag, formedText, freeText } from '../fields.ts';
import { declaredUnitNames } from './declared-units.ts';
import { parsePath, pathForm } from './field-path.ts';
import { isNamedTimeFormat, isTimeZone, namedTimeFormats, parseTimePattern } from './time-format.ts';

/** A path into a row or an answer. */
export const fieldPath = (about: string, example = 'properties.mag') =>
  formedText(about, { expects: pathForm, fits: (text) => parsePath(text) !== null, example });

/** One path, or several whose values are joined; the output is always a list. */
const pathOrPaths = (about: string, example: string) =>
  z
    .union([fieldPath(about, example), z.array(fieldPath('A path.', example)).min(1).max(8)])
    .transform((paths) => (typeof paths === 'string' ? [paths] : paths))
    .describe(about)
    .register(fieldFacts, { expects: `${pathForm}, or a list of 1 to 8 of them`, example });

const timeForms = `one of ${namedTimeFormats.join(', ')}, or a pattern such as YYYY-MM-DD HH:mm:ss`;

const timeFormat = (about: string) =>
  formedText(about, {
    expects: timeForms,
    fits: (text) => isNamedTimeFormat(text) || parseTimePattern(text) !== null,
    example: 'iso8601',
  });

const timeZone = (about: string) =>
  formedText(about, { expects: 'a time zone such as America/Los_Angeles', fits: isTimeZone, example: 'UTC' });

const unit = choice(
  'Unit that the values come in; they are converted to the unit of the contract, so name the field after that one: degC, m/s, Pa, m, mm (precipitation and other small lengths), percent, degree, s, W, m2, ug/m3.',
  declaredUnitNames,
);

/** What a value is turned into. */
const valueTypes = ['number', 'text', 'boolean', 'time'] as const;

const fieldRule = z
  .strictObject({
    path: fieldPath('Where the value stands in the row.'),
    unit: unit.optional(),
    type: choice(
      'What the value has to be, or is turned into if it is a text that says so: CSV knows texts only. `time` becomes ISO 8601 UTC. Default: as it stands; a number where `unit` is given.',
      valueTypes,
    ).optional(),
    timeFormat: timeFormat('Form of a value of type `time`. Default: that of the mapping.').optional(),
    optional: flag(
      '`false`: a row without it is no record but a dead letter. Otherwise the field is null then.',
    ).default(true),
  })
  .superRefine((rule, context) => {
    if (rule.unit !== undefined && rule.type !== undefined && rule.type !== 'number')
      context.addIssue({
        code: 'custom',
        path: ['type'],
        message: 'contradicts unit: only numbers have one',
        params: { involves: ['unit'] },
      });
    if (rule.timeFormat !== undefined && rule.type !== 'time')
      context.addIssue({
        code: 'custom',
        path: ['timeFormat'],
        message: 'has a meaning only beside type: time',
        params: { involves: ['type'] },
      });
  })
  .register(fieldFacts, { expects: 'a map with path, and unit, type, timeFormat or optional', example: { path: 'a' } });

const fieldName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,99}$/)
  .register(fieldFacts, { expects: 'a field name: a letter, then up to 99 letters, digits or underscores' });

/** A field of a mapping that is more than a path. */
export type FieldRule = z.output<typeof fieldRule>;

/** The keys of a mapping, to be spread into the `params` of a type. */
export const mappingKeys = {
  id: pathOrPaths(
    'What makes the reading this reading, forever: a number or text of its own, or several parts such as station and time. A reading whose other values change is a correction then. Default: the whole content, so that changed content is another reading and there are no corrections.',
    'id',
  ).optional(),
  time: pathOrPaths('When it was observed. Several parts (a day, a clock) are joined with a blank.', 'time').optional(),
  timeFormat: timeFormat(
    'Form of the times; nothing is guessed from their size. A pattern is made of YYYY (or YY, of this century), MM, DD, HH, mm, ss and SSS.',
  ).default('iso8601'),
  timeZone: timeZone(
    'Zone of times that name none: patterns, and ISO 8601 without an offset (refused without this). An hour that is there twice in autumn counts as the first.',
  ).optional(),
  latitude: fieldPath('Latitude in degrees. Default: the point of a GeoJSON feature.', 'lat').optional(),
  longitude: fieldPath('Longitude in degrees.', 'lon').optional(),
  elevation: z
    .union([
      fieldPath('Elevation in metres above sea level.', 'elevation'),
      z.strictObject({ path: fieldPath('Where it stands.', 'elevation'), unit }),
    ])
    .transform((given) => (typeof given === 'string' ? { path: given, unit: 'm' as const } : given))
    .describe(
      'Elevation above sea level, in metres or in the unit given. A third coordinate of GeoJSON is not taken for one.',
    )
    .register(fieldFacts, { expects: 'a path, or a map with path and unit' })
    .optional(),
  fields: z
    .record(fieldName, z.union([fieldPath('Where the value stands in the row.'), fieldRule]))
    .describe(
      'Fields of `data`, by name. Default: all that the row has, as they are (the properties of a GeoJSON feature).',
    )
    .register(fieldFacts, { expects: 'a map of field names, each with a path or a map with path', example: { a: 'a' } })
    .optional(),
  nullValues: z
    .array(freeText('A value.', 'a text').max(100))
    .max(50)
    .describe(
      'Texts (and numbers, written as text) that mean "no value", such as `NA` or `"-9999"`. An empty text always does.',
    )
    .register(fieldFacts, { expects: 'a list of at most 50 texts, numbers in quotes' })
    .default([]),
} as const;

const mapping = z.object(mappingKeys);

/** What a mapping makes of rows. */
export type MappingSettings = z.output<typeof mapping>;

/** The rules between the keys of a mapping; called from `superRefine` of the `params` that hold them. */
export const checkMapping = (settings: MappingSettings, context: z.core.$RefinementCtx): void => {
  const fault = (key: keyof MappingSettings, message: string, involves: readonly string[]): void =>
    context.addIssue({ code: 'custom', path: [key], message, params: { involves } });
  if ((settings.latitude === undefined) !== (settings.longitude === undefined)) {
    const [here, there] =
      settings.latitude === undefined ? (['longitude', 'latitude'] as const) : (['latitude', 'longitude'] as const);
    fault(here, `needs ${there} beside it`, [there]);
  }
  const ownForms = Object.values(settings.fields ?? {}).flatMap((rule) =>
    typeof rule === 'string' || rule.timeFormat === undefined ? [] : [rule.timeFormat],
  );
  const forms = [settings.timeFormat, ...ownForms];
  const pattern = forms.find((form) => parseTimePattern(form) !== null);
  if (pattern !== undefined && settings.timeZone === undefined)
    fault('timeFormat', `says no time zone: name it as timeZone (UTC is one, too)`, ['timeZone']);
  if (settings.timeZone !== undefined && forms.every((form) => form === 'unix_s' || form === 'unix_ms'))
    fault('timeZone', 'has no meaning beside times that count from 1970', ['timeFormat']);
};
