// A large JSON value in slices, each small enough to be taken over by the event loop between two other things. A list or
// map that is too heavy for one slice travels as an empty one, and what is in it follows; so any shape can be sent, be it
// one long list of rows or not. Cutting runs in the worker, joining in the main thread.

/** Entries to be put into a list or map that came before. */
export interface Slice {
  /** Which one: its number in the order in which they were announced; the first is the value itself, in a list of its own. */
  readonly into: number;
  /** The names of the entries, when they go into a map. */
  readonly keys: readonly string[] | null;
  readonly values: readonly unknown[];
  /** Which of the values are empty lists and maps that are filled later; they get the next numbers in this order. */
  readonly open: readonly { readonly at: number; readonly isList: boolean }[];
}

/** Weight of one slice: about 5,000 single values. Taking over one of them takes a few milliseconds. */
export const sliceWeight = 20_000;

/** What a single value weighs, and a text per so many characters. */
const valueWeight = 4;
const charactersPerWeight = 64;

type Container = readonly unknown[] | Readonly<Record<string, unknown>>;

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** Cuts a value that came from JSON. Throws a RangeError for one that is nested too deep to be walked through. */
export function* slicesOf(value: unknown, limit = sliceWeight): Generator<Slice, undefined> {
  const heavy = new Set<Container>();
  weigh(value, limit, heavy);
  const waiting: (Container | null)[] = [[value]];
  for (let into = 0; into < waiting.length; into++) {
    const container = waiting[into] ?? [];
    waiting[into] = null;
    yield* slicesInto(into, container, { limit, heavy, announce: (opened) => void waiting.push(opened) });
  }
  return undefined;
}

interface Cutting {
  readonly limit: number;
  readonly heavy: ReadonlySet<Container>;
  readonly announce: (container: Container) => void;
}

function* slicesInto(
  into: number,
  container: Container,
  { limit, heavy, announce }: Cutting,
): Generator<Slice, undefined> {
  const isList = Array.isArray(container);
  let next = emptySlice(isList);
  let weight = 0;
  const add = (key: string | null, value: unknown): void => {
    if (isContainer(value) && heavy.has(value)) {
      announce(value);
      next.open.push({ at: next.values.length, isList: Array.isArray(value) });
      next.values.push(null);
      weight += valueWeight;
    } else {
      next.values.push(value);
      weight += weigh(value, Number.POSITIVE_INFINITY, new Set());
    }
    next.keys?.push(key ?? '');
  };
  const entries: Iterable<readonly [string | null, unknown]> = isList ? unnamed(container) : Object.entries(container);
  for (const [key, value] of entries) {
    add(key, value);
    if (weight < limit) continue;
    yield { into, ...next };
    next = emptySlice(isList);
    weight = 0;
  }
  if (next.values.length > 0) yield { into, ...next };
  return undefined;
}

function* unnamed(list: readonly unknown[]): Generator<readonly [null, unknown]> {
  for (const value of list) yield [null, value];
}

const emptySlice = (
  isList: boolean,
): { keys: string[] | null; values: unknown[]; open: { at: number; isList: boolean }[] } => ({
  keys: isList ? null : [],
  values: [],
  open: [],
});

/** The weight of a value; every list and map in it that weighs `limit` or more is noted as heavy. */
const weigh = (value: unknown, limit: number, heavy: Set<Container>): number => {
  if (typeof value === 'string') return valueWeight + value.length / charactersPerWeight;
  if (!isContainer(value)) return valueWeight;
  let weight = valueWeight;
  if (Array.isArray(value)) for (const item of value) weight += weigh(item, limit, heavy);
  else
    for (const [key, item] of Object.entries(value))
      weight += valueWeight + key.length / charactersPerWeight + weigh(item, limit, heavy);
  if (weight >= limit) heavy.add(value);
  return weight;
};

/** Puts a value together again from its slices in their order. */
export const createJoiner = (): { add(slice: Slice): void; value(): unknown } => {
  const root: unknown[] = [];
  const opened: (unknown[] | Record<string, unknown>)[] = [root];
  return {
    add: ({ into, keys, values, open }) => {
      const filled = [...values];
      for (const { at, isList } of open) {
        const container = isList ? [] : {};
        filled[at] = container;
        opened.push(container);
      }
      const container = opened[into];
      if (Array.isArray(container)) for (const value of filled) container.push(value);
      else if (container !== undefined)
        for (const [at, key] of (keys ?? []).entries()) define(container, key, filled[at]);
    },
    value: () => root[0],
  };
};

const define = (map: Record<string, unknown>, key: string, value: unknown): void => {
  // JSON knows no prototypes: it is a name like any other.
  if (key === '__proto__')
    Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true });
  else map[key] = value;
};
