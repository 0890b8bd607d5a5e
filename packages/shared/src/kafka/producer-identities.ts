// The identity under which a producer numbers its batches. One serves all partitions until one of them loses it; whoever asks
// then gets a fresh one, so that no partition ever gets an identity again that it had: its numbers begin at 0.
import type { ProducerIdentity } from './wire.ts';

/** Gives identities. */
export interface ProducerIdentities {
  /** The identity for a partition that has none. Rejects when no broker gives one; the next call asks again. */
  current(): Promise<ProducerIdentity>;
  /** A partition must not use this one any more. Others that have it keep it. */
  lose(identity: ProducerIdentity): void;
  /** Whoever asks from now on gets a fresh one. */
  renew(): void;
}

/** Creates them; asks for none yet. */
export const createIdentities = (ask: () => Promise<ProducerIdentity>): ProducerIdentities => {
  let asked: Promise<ProducerIdentity> | null = null;
  let given: ProducerIdentity | null = null;

  const renew = (): void => {
    asked = null;
    given = null;
  };

  return {
    current: async () => {
      if (asked !== null) return asked;
      const asking = ask();
      asked = asking;
      try {
        const identity = await asking;
        if (asked === asking) given = identity;
        return identity;
      } catch (error) {
        if (asked === asking) renew();
        throw error;
      }
    },
    lose: (identity) => {
      if (given === identity) renew();
    },
    renew,
  };
};
