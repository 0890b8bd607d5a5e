// Gathers batches into requests: one request at a time per leader, with every batch that waits for it then (as many as one
// request may hold). A broker answers the requests of a connection one after the other anyway, so nothing is lost by it,
// and callers that publish at the same time share a request.
import { setImmediate as turn } from 'node:timers/promises';
import type { BrokerAddress } from './broker-links.ts';
import type { CallOff } from './call-off.ts';
import { answerFor } from './produce-request.ts';
import { maxRequestBytes } from './split-batch.ts';
import type { KafkaWire, PartitionBatch } from './wire.ts';

/** Kafka's code, null when the answer says nothing about the batch; or why there was no answer. */
export type BatchAnswer =
  | { readonly code: number | null }
  | { readonly error: unknown; readonly isHandedOver: boolean };

/** Sends batches; never rejects. At most one batch per partition at a time. */
export interface LeaderRequests {
  /** A batch that is called off before it enters a request is not sent; one that may be written is sent without `off`. */
  send(leader: BrokerAddress, batch: PartitionBatch, off: CallOff | null): Promise<BatchAnswer>;
}

interface Waiting {
  readonly batch: PartitionBatch;
  readonly off: CallOff | null;
  readonly settle: (answer: BatchAnswer) => void;
}

/** Takes from the front what fits into one request, at least one batch; none when all of it was called off. */
const takeRequest = (waiting: Waiting[]): readonly Waiting[] => {
  let bytes = 0;
  let count = 0;
  const taken: Waiting[] = [];
  for (const one of waiting) {
    const error = one.off?.error() ?? null;
    if (error === null) {
      bytes += one.batch.batch.length;
      if (taken.length > 0 && bytes > maxRequestBytes) break;
      taken.push(one);
    } else one.settle({ error, isHandedOver: false });
    count++;
  }
  waiting.splice(0, count);
  return taken;
};

/** Creates them. `produceTimeoutMs`: how long a broker waits for its replicas. */
export const createLeaderRequests = (wire: Pick<KafkaWire, 'produce'>, produceTimeoutMs: number): LeaderRequests => {
  const queues = new Map<string, Waiting[]>();

  const exchange = async (leader: BrokerAddress, taken: readonly Waiting[]): Promise<void> => {
    let isHandedOver = false;
    try {
      const batches = taken.map(({ batch }) => batch);
      const answer = await wire.produce(leader, batches, produceTimeoutMs, () => {
        isHandedOver = true;
      });
      for (const { batch, settle } of taken) settle({ code: answerFor(answer, batch.topic, batch.partition) });
    } catch (error) {
      for (const { settle } of taken) settle({ error, isHandedOver });
    }
  };

  const serve = async (name: string, leader: BrokerAddress, waiting: Waiting[]): Promise<void> => {
    while (waiting.length > 0) {
      // Whoever was settled a moment ago, or publishes in this turn, joins.
      await turn();
      const taken = takeRequest(waiting);
      if (taken.length > 0) await exchange(leader, taken);
    }
    queues.delete(name);
  };

  return {
    send: (leader, batch, off) => {
      const { promise, resolve } = Promise.withResolvers<BatchAnswer>();
      const name = `${leader.host}:${leader.port}`;
      const waiting = queues.get(name);
      if (waiting === undefined) {
        const first = [{ batch, off, settle: resolve }];
        queues.set(name, first);
        void serve(name, leader, first);
      } else waiting.push({ batch, off, settle: resolve });
      return promise;
    },
  };
};
