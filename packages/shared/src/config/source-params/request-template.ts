// Templates of requests: `{{since}}`, `{{until:unix}}`, `{{cursor}}` and the like inside an address, a header or a body.
// Parsed when the config is loaded (what nobody knows is an error there) and when a connector is made. Free of zod.
import { parseTimePattern } from './time-format.ts';

/** Names that stand for a time; they may have a format. */
export const timeNames = ['since', 'until'] as const;
/** What a template may name: times of the pass, what was kept of the last one, and where in its pages it is. */
export const templateNames = [...timeNames, 'cursor', 'page', 'offset', 'next'] as const;
export type TemplateName = (typeof templateNames)[number];

/** Formats of times with a name; beside them patterns such as YYYY-MM-DDTHH:mm, in UTC. */
export const templateTimeFormats = ['iso', 'iso_ms', 'unix', 'unix_ms', 'date'] as const;

/** One piece of a template. `format` is null where none is named: a time is `iso` then. */
export type TemplatePart = string | { readonly name: TemplateName; readonly format: string | null };

const placeForm = /\{\{\s*([A-Za-z_]\w*)\s*(?::([^{}]*))?\}\}/g;
const unclosed = new RegExp(`\\{\\{\\s*(${templateNames.join('|')})\\b`);

const isTemplateName = (text: string): text is TemplateName => templateNames.some((name) => name === text);

const formatFault = (name: TemplateName, format: string): string | null => {
  if (!timeNames.some((time) => time === name)) return `{{${name}}} has no format, and ":${format}" is none`;
  if (templateTimeFormats.some((known) => known === format) || parseTimePattern(format) !== null) return null;
  return `{{${name}:${format}}} has an unknown format: there are ${templateTimeFormats.join(', ')}, and patterns such as YYYY-MM-DDTHH:mm`;
};

/** The pieces of a text, or what is wrong with it as a clause that follows the key. Braces that are no template stay. */
export const parseTemplate = (
  text: string,
): { readonly parts: readonly TemplatePart[] } | { readonly fault: string } => {
  const parts: TemplatePart[] = [];
  let at = 0;
  let rest = '';
  for (const found of text.matchAll(placeForm)) {
    const [whole, name = '', given] = found;
    if (!isTemplateName(name))
      return {
        fault: `holds {{${name}}}, which nobody knows: there are ${templateNames.map((one) => `{{${one}}}`).join(', ')}`,
      };
    const format = given?.trim();
    const fault = format === undefined ? null : formatFault(name, format);
    if (fault !== null) return { fault: `holds a template that cannot be filled in: ${fault}` };
    const between = text.slice(at, found.index);
    rest += between;
    if (between !== '') parts.push(between);
    parts.push({ name, format: format ?? null });
    at = found.index + whole.length;
  }
  const last = text.slice(at);
  if (last !== '') parts.push(last);
  const open = unclosed.exec(rest + last);
  return open === null ? { parts } : { fault: `holds {{${open[1]} without its end }}` };
};

/** The names that a text uses; none for one that cannot be parsed. */
export const namesIn = (text: string): readonly TemplateName[] => {
  const parsed = parseTemplate(text);
  return 'fault' in parsed ? [] : parsed.parts.flatMap((part) => (typeof part === 'string' ? [] : [part.name]));
};

/** A text somewhere in a request, with the path of keys to it. */
export interface RequestText {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** Every text in a value that JSON can hold. */
export const textsIn = (value: unknown, path: RequestText['path'] = []): readonly RequestText[] => {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    textsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
};
