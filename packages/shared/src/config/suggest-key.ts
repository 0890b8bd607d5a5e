// What to say to someone who wrote a key that is unknown where it stands: the nearest key there, the name that a key of
// the Python system has here, the section that the key belongs to, or at least the keys that there are.
import { formerKeys } from './former-names.ts';
import { foldKey } from './key-spelling.ts';
import { nearestKey } from './nearest-key.ts';
import { mapShape, type Schema, variantsOf } from './shape.ts';
import type { Path } from './tree.ts';

/** Advice about one unknown key: a sentence, and the known key that it names, if any. */
export type Suggestion = { readonly advice: string; readonly nearest?: string };

/** Asked with the key as it was written, the keys known there, and the path of the map that it stands in. */
export type Suggest = (written: string, known: readonly string[], path: Path) => Suggestion;

const former = new Map(Object.entries(formerKeys).map(([key, now]) => [foldKey(key), now]));

/** Makes the adviser for a schema; collecting the keys of the whole schema happens once, when the first unknown key asks. */
export function createSuggest(schema: Schema): Suggest {
  let elsewhere: ReadonlyMap<string, string> | undefined;
  return (written, known, path) => {
    const fold = foldKey(written);
    const sourceId = path[0] === 'sources' && path[1] !== undefined ? String(path[1]) : '<id>';
    const here = known.find((key) => foldKey(key) === fold);
    if (here !== undefined) return { advice: `Did you mean "${here}"?`, nearest: here };
    const now = former.get(fold)?.replace('<id>', sourceId);
    if (now !== undefined) return { advice: `It is called "${now}" here`, nearest: now };
    const near = nearestKey(written, known);
    if (near !== undefined) return { advice: `Did you mean "${near}"?`, nearest: near };
    elsewhere ??= keysBySpelling(schema);
    const other = elsewhere.get(fold)?.replace('<id>', sourceId);
    if (other !== undefined) return { advice: `It belongs elsewhere: "${other}"`, nearest: other };
    return { advice: known.length > 30 ? '' : `Known here: ${known.join(', ')}` };
  };
}

/** The path of every key of the schema by its folded name; of several with the same name the first. */
function keysBySpelling(schema: Schema): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (own: Schema, path: string): void => {
    for (const variant of variantsOf(own).values()) visit(variant, path);
    const shape = mapShape(own, undefined);
    if (shape?.kind === 'names') visit(shape.value, `${path}.<id>`);
    if (shape?.kind !== 'keys' || variantsOf(own).size > 0) return;
    for (const [key, value] of shape.keys) {
      const at = path === '' ? key : `${path}.${key}`;
      if (!found.has(foldKey(key))) found.set(foldKey(key), at);
      visit(value, at);
    }
  };
  visit(schema, '');
  return found;
}
