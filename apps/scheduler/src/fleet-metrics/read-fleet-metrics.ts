// The metrics of every process of the fleet as they stand now: its own read directly, the others asked at the addresses in
// their heartbeats, and at no other. Who does not answer within two seconds is named, and the others count all the same.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Heartbeat, Instance } from '@stream-manager/shared/ops/heartbeat';
import { isLoopback } from '@stream-manager/shared/ops/reachable-address';
import { type MetricFamily, mergeMetrics, type ProcessMetrics, parseMetrics } from './metric-families.ts';

/** One process, and whether its metrics are in. */
export interface ReadProcess {
  readonly id: string;
  readonly role: string;
  readonly host: string;
  readonly pid: number;
  readonly port: number;
  /** Why its metrics are not in; null: they are. */
  readonly error: string | null;
}

/** The fleet's metrics. */
export interface FleetMetrics {
  readonly processes: readonly ReadProcess[];
  readonly families: readonly MetricFamily[];
}

export interface FleetMetricsDeps {
  readonly readFleet: () => Promise<readonly Heartbeat[]>;
  /** This process. */
  readonly own: Pick<Instance, 'id' | 'host'>;
  /** Its metrics in Prometheus' text format. */
  readonly readOwn: () => Promise<string>;
}

/** How long a process may take to answer, in milliseconds. */
const patienceMs = 2_000;
/** An answer at most, in bytes: 500 sources make about one MB. */
const mostBytes = 32 * 1_048_576;

/** Where a process is asked. Throws a sentence when it cannot be reached from here. Pure. */
export const metricsAddress = ({ address, host, port }: Heartbeat, ownHost: string): URL => {
  // A process of an older version does not say.
  const known = address ?? (host === ownHost ? '127.0.0.1' : host);
  if (isLoopback(known) && host !== ownHost)
    throw new Error(`it listens on ${known} of ${host} only: set HTTP_HOST there`);
  return new URL(`http://${known.includes(':') ? `[${known}]` : known}:${port}/metrics`);
};

const fetchText = async (url: URL): Promise<string> => {
  // Whatever stands at the address by now is not followed anywhere else.
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(patienceMs) });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // fetch gives bytes; its type says nothing of them.
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`its answer is larger than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const sentenceOf = (error: unknown): string =>
  error instanceof Error && error.name === 'TimeoutError'
    ? `it did not answer within ${patienceMs / 1_000} s`
    : messageOf(error);

/** Reads them. Rejects only if the heartbeats cannot be read. */
export const readFleetMetrics = async (deps: FleetMetricsDeps): Promise<FleetMetrics> => {
  const fleet = await deps.readFleet();
  const read = await Promise.all(
    fleet.map(async (beat): Promise<{ readonly process: ReadProcess; readonly metrics: ProcessMetrics | null }> => {
      const { id, role, host, pid, port } = beat;
      const process = { id, role, host, pid, port };
      try {
        const text = await (id === deps.own.id ? deps.readOwn() : fetchText(metricsAddress(beat, deps.own.host)));
        return {
          process: { ...process, error: null },
          metrics: { labels: { instance: id, role }, families: parseMetrics(text) },
        };
      } catch (error) {
        return { process: { ...process, error: sentenceOf(error) }, metrics: null };
      }
    }),
  );
  const processes = read.map(({ process }) => process);
  const families = mergeMetrics(read.flatMap(({ metrics }) => metrics ?? []));
  return { processes, families: [upFamily(processes), ...families] };
};

/** Prometheus' `up` for the processes behind this address. */
const upFamily = (processes: readonly ReadProcess[]): MetricFamily => ({
  name: 'stream_manager_process_up',
  type: 'gauge',
  help: 'Whether the metrics of a process of the fleet are in, 1 or 0.',
  samples: processes.map(({ id, role, host, error }) => ({
    name: 'stream_manager_process_up',
    labels: { instance: id, role, host },
    value: error === null ? 1 : 0,
  })),
});
