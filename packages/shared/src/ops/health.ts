// What a process says of itself: its phase, the components at fault (these make /readyz 503), and notes (these stand in
// the body with 200): on components that work as they should in an unusual state, and on single sources, because one
// source's trouble is not the process'.

/** starting → ready → draining; never back. */
export type Phase = 'starting' | 'ready' | 'draining';

/** The answer of /readyz. */
export interface HealthReport {
  readonly ready: boolean;
  readonly phase: Phase;
  /** Component → what is wrong with it; empty when all is well. */
  readonly problems: Readonly<Record<string, string>>;
  /** Component → what an operator should know of it, though nothing is wrong with it. */
  readonly notes: Readonly<Record<string, string>>;
  /** Source → what an operator should know of it. */
  readonly sources: Readonly<Record<string, string>>;
}

/** The health of one process; every part reports its own component. */
export interface Health {
  setPhase(phase: Phase): void;
  /** null: the component is well. */
  setProblem(component: string, problem: string | null): void;
  /** null: nothing to say of the component. */
  setNote(component: string, note: string | null): void;
  /** null: nothing to say of the source. */
  setSourceNote(sourceId: string, note: string | null): void;
  report(): HealthReport;
}

/** Creates the health of a process, in phase `starting`. */
export const createHealth = (): Health => {
  let phase: Phase = 'starting';
  const problems = new Map<string, string>();
  const notes = new Map<string, string>();
  const sources = new Map<string, string>();
  const put = (map: Map<string, string>, key: string, value: string | null): void => {
    if (value === null) map.delete(key);
    else map.set(key, value);
  };
  return {
    setPhase: (next) => {
      phase = next;
    },
    setProblem: (component, problem) => put(problems, component, problem),
    setNote: (component, note) => put(notes, component, note),
    setSourceNote: (sourceId, note) => put(sources, sourceId, note),
    report: () => ({
      ready: phase === 'ready' && problems.size === 0,
      phase,
      problems: Object.fromEntries(problems),
      notes: Object.fromEntries(notes),
      sources: Object.fromEntries(sources),
    }),
  };
};
