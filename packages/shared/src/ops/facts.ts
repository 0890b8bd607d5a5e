// What a process tells the fleet of itself besides who it is: it stands in its heartbeat, and a change is told at once.

/** Facts by name. `breaker`: of a producer's Kafka. */
export interface Facts {
  readonly breaker?: 'closed' | 'open' | 'half_open';
}

/** The facts of one process. */
export interface ProcessFacts {
  set<Name extends keyof Facts>(name: Name, value: Facts[Name]): void;
  read(): Facts;
  /** Calls back after every change. One listener: the heartbeat. */
  onChange(listener: () => void): void;
}

/** Creates the facts of a process; none is known. */
export const createFacts = (): ProcessFacts => {
  let facts: Facts = {};
  let changed = (): void => {};
  return {
    set: (name, value) => {
      if (facts[name] === value) return;
      facts = { ...facts, [name]: value };
      changed();
    },
    read: () => facts,
    onChange: (listener) => {
      changed = listener;
    },
  };
};
