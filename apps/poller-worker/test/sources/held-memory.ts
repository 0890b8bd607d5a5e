// Measures what a poll holds in memory, for a process of its own with --expose-gc: a small answer to warm up, then the large
// one. What is only garbage does not count.
import type { HttpClients } from '../../src/http/undici-client.ts';
import type { SourceFactory } from '../../src/sources/source.ts';

/** What is polled. */
export interface Measured {
  readonly clients: HttpClients;
  readonly factory: SourceFactory;
  readonly small: Parameters<SourceFactory>[0];
  readonly large: Parameters<SourceFactory>[0];
  /** Pages from one look at the memory to the next. */
  readonly everyPages: number;
}

/** Prints the rows of the large answer, and how much more was held at most while it was used up than before, as JSON. */
export const printHeld = async ({ clients, factory, small, large, everyPages }: Measured): Promise<void> => {
  const poll = async (source: Measured['small'], onPage: () => void): Promise<number> => {
    const { signal } = new AbortController();
    const http = clients.forPoll({ source, signal });
    const window = { sinceMs: null, untilMs: 0 };
    const first = { source, position: null, scheduledFor: 0, cursor: null, window, isBackfill: false };
    let rows = 0;
    for await (const page of factory(source).poll({ ...first, maxInvalidShare: 0.5, http, signal })) {
      rows += page.records.length;
      onPage();
    }
    return rows;
  };
  await poll(small, () => {});
  const before = held();
  let most = before;
  let pages = 0;
  const rows = await poll(large, () => {
    if (pages % everyPages === 0) most = Math.max(most, held());
    pages += 1;
  });
  console.log(JSON.stringify({ rows, heldBytes: most - before }));
};

const held = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
