// Finds the known name that a mistyped one was most likely meant to be.
import { foldKey, snakeCase } from './key-spelling.ts';

/**
 * The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours), where case, `_` and `-`
 * do not count. None is near when more than two fifths of the longer name would have to change (of a name of up to three
 * letters: more than one). Then it is the only candidate that the name is short for, if there is one.
 */
export function nearestKey(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = foldKey(name);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const known = foldKey(candidate);
    const longer = Math.max(wanted.length, known.length);
    const allowed = Math.max(1, Math.floor(longer * 0.4));
    if (Math.abs(wanted.length - known.length) > allowed) continue;
    const distance = editDistance(wanted, known);
    if (distance <= allowed && distance < longer && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? onlyLongForm(name, candidates);
}

/**
 * The only candidate that the name shortens: it begins with the whole name (`time_out`: `timeoutSeconds`), or has all of its
 * words, two at least, in their order (`targetLag`: `targetConsumerLag`).
 */
function onlyLongForm(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = foldKey(name);
  if (wanted.length < 4) return undefined;
  const words = wordsOf(name);
  const fitting = [...candidates].filter(
    (candidate) => foldKey(candidate).startsWith(wanted) || (words.length > 1 && isWithin(words, wordsOf(candidate))),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

const wordsOf = (name: string): readonly string[] => snakeCase(name).split(/[_-]+/);

/** Do the words of the first list stand in the second, in their order? */
const isWithin = (words: readonly string[], longer: readonly string[]): boolean => {
  let next = 0;
  for (const word of longer) if (word === words[next]) next += 1;
  return next === words.length;
};

/** Optimal string alignment distance. Both names are cut at 64 letters: keys are short, and a hostile file costs nothing. */
export function editDistance(first: string, second: string): number {
  const a = first.slice(0, 64);
  const b = second.slice(0, 64);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replace);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
