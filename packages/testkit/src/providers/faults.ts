// How providers misbehave: which fault the next answer of a route has. A script goes first, then each fault's own
// probability; both can be changed at any time. Choosing is seeded, so a run's faults come again in the same order.
import { type Random, randomOf, seedOf } from './random.ts';

/** The routes that faults can be set for. */
export const routeKinds = [
  'firms',
  'availability',
  'stations',
  'observations',
  'alerts',
  'forecasts',
  'purpleair',
  'keys',
  'airnow',
  'metar',
  'earthquakes',
  'readings',
  'buoys',
] as const;
export type RouteKind = (typeof routeKinds)[number];

/**
 * `none` is a step of a script without fault. Of the others these leave the rows whole and due in Kafka: the two slow
 * ones, `bom`, `crlf`, `extra-column`, `quoted` and `duplicate`; `malformed` breaks single rows; all the rest spoil the
 * whole answer.
 */
export const faultNames = [
  'none',
  /** Too many requests; `Retry-After` in seconds. */
  '429',
  /** Too many requests; `Retry-After` as an HTTP date. */
  '429-date',
  '500',
  /** Service unavailable; `Retry-After` in seconds. */
  '503',
  /** Nothing for `slowMs`, then the answer. */
  'slow-headers',
  /** Headers at once, then the body in eight pieces over `slowMs`. */
  'slow-body',
  /** `Content-Length` of the whole, half of the body, connection closed. */
  'cut-length',
  /** Chunked, half of the body, closed without the last chunk. */
  'cut-chunked',
  /** Some rows are broken (`malformedShare`, at least one). */
  'malformed',
  /** A maintenance page in HTML, status 200. */
  'html',
  /** Status 200, right content type, no byte. */
  'empty',
  /** The right body under a content type that says otherwise. */
  'wrong-type',
  /** The body begins with a byte order mark. */
  'bom',
  /** Lines end with CR LF. */
  'crlf',
  /** A column, field or property that nobody knows, in every row. */
  'extra-column',
  /** A column that holds a comma in quotes, in every row of an answer in CSV; others are as ever. */
  'quoted',
  /** Every row stands twice in the answer, except where an answer is one row. */
  'duplicate',
  /** The body is followed by blank lines up to `hugeBytes`. */
  'huge',
] as const;
export type FaultName = (typeof faultNames)[number];

/** Ways in which a single row is broken. Each makes the row useless by itself: it has no usable position, time or shape. */
export const malformedKinds = [
  'missing-column',
  'surplus-column',
  'not-a-number',
  'nan',
  'latitude-out-of-range',
  'unparsable-date',
] as const;
export type MalformedKind = (typeof malformedKinds)[number];

export interface RouteFaults {
  /** The faults of the next answers, in this order; afterwards `chance` decides. */
  readonly next?: readonly FaultName[];
  /** Probability of each fault for each answer; together at most 1. */
  readonly chance?: Partial<Readonly<Record<FaultName, number>>>;
  /**
   * Share of rows (0–1) that are broken in *every* answer, always the same rows in the same way. Default 0. Above half of
   * an answer a poller may take it for a changed format. The fault `malformed` uses this, or 0.1.
   */
  readonly malformedShare?: number;
  /** Which ways of breaking a row are used. Default all. */
  readonly malformedKinds?: readonly MalformedKind[];
  /** For 429 and 503. Default 2. */
  readonly retryAfterSeconds?: number;
  /** For the slow faults. Default 1000. */
  readonly slowMs?: number;
  /** For `huge`. Default 70,000,000: more than `polling.maxResponseBytes` by itself allows. */
  readonly hugeBytes?: number;
}

/** Faults per route; `all` holds for routes without settings of their own. */
export type FaultSettings = Partial<Readonly<Record<RouteKind | 'all', RouteFaults>>>;

/** What is to happen to one answer. */
export interface Fault {
  readonly name: FaultName;
  readonly malformedShare: number;
  readonly malformedKinds: readonly MalformedKind[];
  /** The fault asks for a broken row even if the share would break none. */
  readonly mustBreak: boolean;
  readonly retryAfterSeconds: number;
  readonly slowMs: number;
  readonly hugeBytes: number;
}

export interface Faults {
  /** What happens to an answer that nothing is to happen to. */
  readonly none: Fault;
  /** Replaces all settings; what is left of a script is forgotten. Throws a RangeError on settings that make no sense. */
  set(settings: FaultSettings): void;
  /** The fault of the next answer of this route. */
  next(route: RouteKind): Fault;
}

const check = (settings: FaultSettings): void => {
  for (const [route, faults] of Object.entries(settings)) {
    const known = route === 'all' || routeKinds.some((kind) => kind === route);
    if (!known) throw new RangeError(`no such route: ${route}; known are all, ${routeKinds.join(', ')}`);
    const names = [...(faults.next ?? []), ...Object.keys(faults.chance ?? {})];
    for (const name of names)
      if (!faultNames.some((fault) => fault === name))
        throw new RangeError(`no such fault for ${route}: ${name}; known are ${faultNames.join(', ')}`);
    const shares = Object.values(faults.chance ?? {});
    const sum = shares.reduce((total, share) => total + share, 0);
    if (sum > 1 || [...shares, faults.malformedShare ?? 0].some((share) => !(share >= 0 && share <= 1)))
      throw new RangeError(`probabilities of ${route} must lie between 0 and 1, together at most 1`);
  }
};

/** The fault source of one provider server, without faults until `set` is called. */
export const createFaults = (seed: number): Faults => {
  const random = new Map<RouteKind, Random>(
    routeKinds.map((route) => [route, randomOf(seedOf('faults', seed, route))]),
  );
  const scripts = new Map<string, FaultName[]>();
  let current: FaultSettings = {};

  const choose = (route: RouteKind, owner: string, faults: RouteFaults): FaultName => {
    const scripted = scripts.get(owner)?.shift();
    if (scripted) return scripted;
    let drawn = random.get(route)?.next() ?? 1;
    for (const name of faultNames) {
      drawn -= faults.chance?.[name] ?? 0;
      if (drawn < 0) return name;
    }
    return 'none';
  };

  const faultOf = (name: FaultName, faults: RouteFaults): Fault => {
    const standing = faults.malformedShare ?? 0;
    return {
      name,
      malformedShare: name === 'malformed' && standing === 0 ? 0.1 : standing,
      malformedKinds: faults.malformedKinds ?? malformedKinds,
      mustBreak: name === 'malformed',
      retryAfterSeconds: faults.retryAfterSeconds ?? 2,
      slowMs: faults.slowMs ?? 1000,
      hugeBytes: faults.hugeBytes ?? 70_000_000,
    };
  };

  return {
    none: faultOf('none', {}),
    set: (settings) => {
      check(settings);
      current = settings;
      scripts.clear();
      for (const [route, faults] of Object.entries(settings)) scripts.set(route, [...(faults.next ?? [])]);
    },
    next: (route) => {
      const owner = current[route] ? route : 'all';
      const faults = current[owner] ?? {};
      return faultOf(choose(route, owner, faults), faults);
    },
  };
};
