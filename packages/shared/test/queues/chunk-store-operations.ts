// Random histories of one source: what pollers, producers, operators and crashes do to it, in any order.
import fc from 'fast-check';
import { overflowModes } from '../../src/config/overflow-modes.ts';
import { priorityClasses } from '../../src/records/priority.ts';
import type { ModelSizes } from './chunk-store-model.ts';

const once = (outOf: number): fc.Arbitrary<boolean> => fc.integer({ min: 1, max: outOf }).map((one) => one === 1);

// Few ids, so that polls overlap; few revisions, so that records flip back and forth.
const row = fc.record({ id: fc.integer({ min: 0, max: 40 }), revision: fc.integer({ min: 0, max: 2 }) });
const rows = fc.array(row, { minLength: 1, maxLength: 12 });
const limits = fc.record({ windowPassed: once(10), ignoreCorrections: once(5) });
/** Which of the chunks or jobs that there are at the moment. */
const pick = fc.nat({ max: 1000 });

const admit = fc.record({
  kind: fc.constant('admit' as const),
  rows,
  limits,
  priority: fc.constantFrom(...priorityClasses),
  mode: fc.constantFrom(...overflowModes),
  keep: once(8),
  /** The step before which the poller is killed. */
  diesBefore: fc.constantFrom('nothing' as const, 'nothing' as const, 'add' as const, 'remove' as const),
});
const admitAgain = fc.record({ kind: fc.constant('admit again' as const), pick, rows, limits });
const lookup = fc.record({ kind: fc.constant('lookup' as const), rows, limits });
const remember = fc.record({ kind: fc.constant('remember' as const), rows });
const take = fc.record({ kind: fc.constant('take' as const), pick });
const settle = fc.record({
  kind: fc.constant('settle' as const),
  pick,
  /** Which records are done; null = all. */
  done: fc.oneof(fc.constant(null), fc.array(fc.nat({ max: 15 }), { maxLength: 8 })),
  /** How many of them became letters; −1 = one more is called published than became done. */
  letters: fc.integer({ min: -1, max: 2 }),
  twice: fc.boolean(),
});
const hold = fc.record({ kind: fc.constantFrom('hold' as const, 'let go' as const), pick });
const harm = fc.record({
  kind: fc.constantFrom('remove job' as const, 'fail job' as const, 'lose job' as const),
  pick,
});
const sweep = fc.record({ kind: fc.constant('sweep' as const), heal: fc.boolean() });

const keepDropped = fc.record({
  kind: fc.constant('keep dropped' as const),
  pick,
  /** Killed between the letters and the removal of what was set aside. */
  diesBefore: fc.constantFrom('nothing' as const, 'nothing' as const, 'remove' as const),
});

/** One act. */
export const operation = fc.oneof(
  { weight: 8, arbitrary: admit },
  { weight: 1, arbitrary: admitAgain },
  { weight: 2, arbitrary: lookup },
  { weight: 1, arbitrary: remember },
  { weight: 2, arbitrary: take },
  { weight: 3, arbitrary: settle },
  { weight: 2, arbitrary: hold },
  { weight: 2, arbitrary: harm },
  { weight: 1, arbitrary: sweep },
  { weight: 2, arbitrary: keepDropped },
);
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
export type OperationOf<K extends Operation['kind']> = Extract<Operation, { readonly kind: K }>;

/** Small queues, so that they are full most of the time; small generations in half of the histories. */
export const sizes: fc.Arbitrary<ModelSizes> = fc.record({
  maxRecords: fc.integer({ min: 12, max: 40 }),
  criticalReserve: fc.integer({ min: 0, max: 10 }),
  dedupeMaxIds: fc.constantFrom(15, 1_000_000),
  keepDropped: fc.boolean(),
});
