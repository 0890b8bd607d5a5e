// Fills in the templates of a request. The times come from the tick that the poll was scheduled for, never from the clock.
import {
  parseTemplate,
  type TemplateName,
  type TemplatePart,
} from '@stream-manager/shared/config/source-params/request-template';
import { formatTime, parseTimePattern } from '@stream-manager/shared/config/source-params/time-format';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';

/** What the templates of one request stand for. */
export interface TemplateValues {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly until: number;
  /** What was kept of the last pass; null: nothing. */
  readonly cursor: string | number | null;
  readonly page: number | null;
  readonly offset: number | null;
  /** What the last page gave for this one; null on the first. */
  readonly next: string | number | null;
}

/** Fills in one text. `escape` makes what is put in safe where it is put. */
export type FilledText = (values: TemplateValues, escape?: (text: string) => string) => string;

/** A text of the request, ready to be filled in. Throws `config_invalid` for what the config's schema would refuse. */
export const templateOf = (text: string): FilledText => {
  const parts = partsOf(text);
  const [only] = parts;
  if (parts.length === 0 || (parts.length === 1 && typeof only === 'string')) return () => text;
  return (values, escape = same) =>
    parts.map((part) => (typeof part === 'string' ? part : escape(String(valueOf(part, values) ?? '')))).join('');
};

/** A JSON value whose texts are templates; one that is a template alone becomes its value. */
export const jsonTemplateOf = (value: unknown): ((values: TemplateValues) => unknown) => {
  if (typeof value === 'string') {
    const parts = partsOf(value);
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && typeof only !== 'string') return (values) => valueOf(only, values);
    return templateOf(value);
  }
  if (Array.isArray(value)) {
    const items = value.map(jsonTemplateOf);
    return (values) => items.map((item) => item(values));
  }
  if (typeof value !== 'object' || value === null) return () => value;
  const entries = Object.entries(value).map(([name, inner]) => [name, jsonTemplateOf(inner)] as const);
  return (values) => Object.fromEntries(entries.map(([name, inner]) => [name, inner(values)]));
};

const same = (text: string): string => text;

const partsOf = (text: string): readonly TemplatePart[] => {
  const parsed = parseTemplate(text);
  if ('fault' in parsed) throw new StreamManagerError('config_invalid', `"${text}" ${parsed.fault}`);
  return parsed.parts;
};

const valueOf = (
  { name, format }: { readonly name: TemplateName; readonly format: string | null },
  values: TemplateValues,
): string | number | null =>
  name === 'since' || name === 'until' ? timeText(values[name], format ?? 'iso') : values[name];

const timeText = (ms: number, format: string): string | number => {
  switch (format) {
    case 'unix':
      return Math.floor(ms / 1000);
    case 'unix_ms':
      return ms;
    case 'iso':
      return `${new Date(ms).toISOString().slice(0, 19)}Z`;
    case 'iso_ms':
      return new Date(ms).toISOString();
    case 'date':
      return new Date(ms).toISOString().slice(0, 10);
    default:
      return formatTime(ms, parseTimePattern(format) ?? []);
  }
};
