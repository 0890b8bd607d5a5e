// What a route gives back before it goes over the wire: status, body, and the rows in it. Faults of the wire (cut off,
// slow, compressed …) come later, in `send-answer.ts`; broken rows are already in the body.
import type { Fault, MalformedKind } from './faults.ts';
import type { BrokenRow } from './ledger.ts';
import { randomOf, seedOf } from './random.ts';
import type { Truth, World } from './world.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** The good rows in the body. */
  readonly truths: readonly Truth[];
  /** The broken rows in the body. */
  readonly broken: readonly BrokenRow[];
  /** Send ETag and Last-Modified, and answer a matching condition with 304. Default false. */
  readonly hasValidators?: boolean;
}

/** What a route knows of a request. */
export interface RouteRequest {
  readonly url: URL;
  /** What a POST brought; empty for any other method. */
  readonly body: string;
  /** Value of a request header, or undefined. */
  header(name: string): string | undefined;
  readonly world: World;
  /** The world's time. */
  readonly atMs: number;
  /** The clock's time. */
  readonly clockMs: number;
  /** `http://host:port` as the client reaches this server. */
  readonly baseUrl: string;
  readonly fault: Fault;
}

/** An answer without rows. */
export const bareAnswer = (status: number, contentType: string, body: string): Answer => ({
  status,
  contentType,
  body,
  truths: [],
  broken: [],
});

/** The rows as an answer gives them: each twice under the fault of that name. */
export const withRepeats = <T>(rows: readonly T[], fault: Fault): readonly T[] =>
  fault.name === 'duplicate' ? [...rows, ...rows] : rows;

export const plainText = 'text/plain; charset=utf-8';

/**
 * Which of the rows are broken in this answer, and how. A row's fate hangs on the world's seed and its natural key, so a
 * row that is broken once is broken in the same way in every answer while the settings last.
 */
export const chooseBroken = <T extends { readonly naturalKey: string }>(
  rows: readonly T[],
  request: Pick<RouteRequest, 'fault' | 'world'>,
  possible: readonly MalformedKind[],
): ReadonlyMap<T, MalformedKind> => {
  const { fault, world } = request;
  const broken = new Map<T, MalformedKind>();
  const kinds = fault.malformedKinds.filter((kind) => possible.includes(kind));
  if (kinds.length === 0 || (fault.malformedShare === 0 && !fault.mustBreak)) return broken;
  const fateOf = (row: T) => randomOf(seedOf('broken', world.seed, row.naturalKey));
  for (const row of rows) {
    const random = fateOf(row);
    if (random.chance(fault.malformedShare)) broken.set(row, random.pick(kinds));
  }
  const [first] = rows;
  if (fault.mustBreak && broken.size === 0 && first) broken.set(first, fateOf(first).pick(kinds));
  return broken;
};

/** How the rows of an API are written. */
export interface RowForm<T, R> {
  readonly kind: BrokenRow['kind'];
  /** In which ways its rows can be broken. */
  readonly breakable: readonly MalformedKind[];
  /** A sound row. */
  readonly render: (truth: T) => R;
  /** The row, broken; it may be the same object. */
  readonly breakRow: (row: R, kind: MalformedKind) => R;
  /** The row as it stands in the body. Default: as JSON. */
  readonly textOf?: (row: R) => string;
}

/** The rows of an answer under the fault of the moment, with what the ledger has to know of them. */
export const faultyRows = <T extends Truth, R>(
  truths: readonly T[],
  request: Pick<RouteRequest, 'fault' | 'world'>,
  { kind, breakable, render, breakRow, textOf = JSON.stringify }: RowForm<T, R>,
): { readonly rows: readonly R[]; readonly truths: readonly T[]; readonly broken: readonly BrokenRow[] } => {
  const kinds = chooseBroken(truths, request, breakable);
  const broken: BrokenRow[] = [];
  const rows = withRepeats(truths, request.fault).map((truth) => {
    const sound = render(truth);
    const reason = kinds.get(truth);
    if (reason === undefined) return sound;
    const row = breakRow(sound, reason);
    broken.push({ kind, raw: textOf(row), reason });
    return row;
  });
  return { rows, truths: truths.filter((truth) => !kinds.has(truth)), broken };
};
