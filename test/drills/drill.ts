// What a drill is, and how one is run: ground, warm-up, harm, heal, drain, account, verdict.
import { type Account, type Letter } from './account.ts';
import { type Ground, type GroundOptions, type GroundPlan, openGround } from './ground.ts';
import type { Recovery } from './progress.ts';

/** What a drill may leave behind. */
export interface Allowance {
  /** Records that may stand in Kafka more than once: what can have been in flight. */
  readonly doubled: number;
  /** What is wrong with the dead letters; default: that there are any. */
  readonly judgeLetters?: (letters: readonly Letter[], account: Account) => readonly string[];
  /** What else went wrong. */
  readonly problems?: readonly string[];
  /** One more fact for the table. */
  readonly note?: string;
}

export interface Drill {
  /** As `--only` names it. */
  readonly name: string;
  /** What is done, for the table. */
  readonly title: string;
  readonly plan: GroundPlan;
  /** Records that are published before the harm begins. Default 4000. */
  readonly warmUp?: number;
  /** The schedules may have shifted: at the end polls are asked for. Default false. */
  readonly pollNow?: boolean;
  /** Called before the fleet is started. */
  readonly prepare?: (ground: Ground) => Promise<void>;
  /** Does harm and heals it; calls `ground.progress.healed()` when all is well again. */
  readonly harm: (ground: Ground) => Promise<Allowance>;
}

export interface Outcome {
  readonly name: string;
  readonly title: string;
  readonly account: Account | null;
  readonly recovery: Recovery;
  readonly allowed: number;
  readonly note: string | null;
  /** Empty: passed. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

/** A worker holds at most so many unsettled sends of one source: four batches of 500. */
const inFlightPerSource = 2_000;

/**
 * What `producers` producers that were just killed or cut off can have had in flight: never more than what is unsettled
 * now. To be asked right after the harm, while nobody has taken up what they held.
 */
export const inFlight = async (ground: Ground, producers: number): Promise<number> =>
  Math.min(await ground.progress.queued(), producers * ground.load.sourceIds.length * inFlightPerSource);

/** Runs one drill on ground of its own. Never rejects: what went wrong stands in `problems`. */
export const runDrill = async (
  drill: Drill,
  options: GroundOptions & { readonly logsTo: string | null },
): Promise<Outcome> => {
  const startedAt = performance.now();
  const problems: string[] = [];
  let account: Account | null = null;
  let recovery: Recovery = { firstMs: null, drainedMs: null };
  let allowance: Allowance = { doubled: 0 };
  try {
    await using ground = await openGround(drill.plan, options);
    try {
      await drill.prepare?.(ground);
      await ground.fleet.startAll();
      await ground.publishes(drill.warmUp ?? 4_000);
      allowance = await drill.harm(ground);
      account = await ground.settle({ pollNow: drill.pollNow ?? false });
      recovery = ground.progress.recovery();
    } catch (error) {
      problems.push(messageOf(error));
    }
    problems.push(...(await ground.fleet.problems()));
    if (account !== null) problems.push(...verdict(account, allowance));
    if (problems.length > 0 && options.logsTo !== null) await ground.saveLogs(options.logsTo);
  } catch (error) {
    problems.push(messageOf(error));
  }
  return {
    name: drill.name,
    title: drill.title,
    account,
    recovery,
    allowed: allowance.doubled,
    note: allowance.note ?? null,
    problems,
    seconds: (performance.now() - startedAt) / 1_000,
  };
};

/** What of an account may not be. Pure. */
export const verdict = (account: Account, allowance: Allowance): readonly string[] => {
  const found = [...(allowance.problems ?? [])];
  if (account.missing > 0) found.push(`${account.missing} records are missing`);
  if (account.wrong > 0) found.push(`${account.wrong} records are foreign, misplaced or different`);
  if (account.doubled > allowance.doubled)
    found.push(`${account.doubled} records are doubled, allowed are ${allowance.doubled}`);
  const [first] = account.letters;
  if (allowance.judgeLetters !== undefined) found.push(...allowance.judgeLetters(account.letters, account));
  else if (first !== undefined)
    found.push(`${account.letters.length} dead letters, the first: ${first.code}: ${first.reason.slice(0, 200)}`);
  return found;
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
