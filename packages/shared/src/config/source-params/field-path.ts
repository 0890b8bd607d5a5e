// Paths into an answer or a row: `properties.mag`, `readings[0].value`, `["a name.with dots"]`, `$` for the whole. Parsed
// once, when the config is loaded and when a connector is made. Free of zod, so that any process may ask.

/** One step: the name of a field, or the place in a list; a negative one counts from its end. */
export type PathStep = string | number;

/** More steps than this are nobody's answer. */
const maxSteps = 32;

/** What a path looks like, for messages. */
export const pathForm = 'a path such as properties.mag, readings[0].value, ["a name.with dots"] or $';

// A bare name may hold blanks and any sign but those of the path itself: columns of CSV are called so.
const stepForm = /(?:^|(?<=.)\.)([^.[\]"']+)|\[(-?\d{1,9})\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]/y;

/** The steps of a path; none for `$`, the whole. Null for a text that is no path. */
export const parsePath = (text: string): readonly PathStep[] | null => {
  if (text === '$') return [];
  const rest = text.startsWith('$.') ? text.slice(2) : text.startsWith('$[') ? text.slice(1) : text;
  const steps: PathStep[] = [];
  stepForm.lastIndex = 0;
  while (stepForm.lastIndex < rest.length) {
    const found = stepForm.exec(rest);
    if (found === null) return null;
    const [, name, index, quoted, single] = found;
    if (name !== undefined && name.trim() !== name) return null;
    steps.push(index === undefined ? (name ?? unescaped(quoted ?? single ?? '')) : Number(index));
    if (steps.length > maxSteps) return null;
  }
  return steps.length === 0 ? null : steps;
};

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');
