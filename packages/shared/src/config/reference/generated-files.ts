// The files that are generated from the config schema, by their path in the repository.
import { configJsonSchema, type Json } from './json-schema.ts';
import { configurationPage } from './page.ts';

/** Path below the repository's root → whole text. */
export const generatedFiles = (): Readonly<Record<string, string>> => ({
  'docs/configuration.md': configurationPage(),
  'config/stream.schema.json': `${printJson(configJsonSchema(), 0, 0)}\n`,
});

const lineWidth = 120;

/** JSON as the repository's formatter would leave it: objects over several lines, short lists of single values on one. */
function printJson(value: Json, indent: number, before: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = ' '.repeat(indent + 2);
  const end = ' '.repeat(indent);
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const line = `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
    const isFlat = items.every((item) => typeof item !== 'object' || item === null);
    if (isFlat && before + line.length < lineWidth) return line;
    return `[\n${items.map((item) => inner + printJson(item, indent + 2, indent + 2)).join(',\n')}\n${end}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, child]) => {
    const name = `${inner}${JSON.stringify(key)}: `;
    return name + printJson(child, indent + 2, name.length);
  });
  return `{\n${lines.join(',\n')}\n${end}}`;
}
