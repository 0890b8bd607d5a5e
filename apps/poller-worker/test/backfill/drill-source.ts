// The source of the drill: a reading per minute in pages of ten minutes. Before it gives a page it says so to the drill, and
// waits for the answer, so that a poller can be killed at any page. Loaded by a real poller, by path.
import type { OwnSourceFactory } from '../../src/sources/custom.ts';
import { hourMs, pagesOf } from './hourly-pages.ts';

const createDrillSource: OwnSourceFactory = ({ source }) => ({
  async *poll(context) {
    for await (const page of pagesOf(context)) {
      const at = page.records[0]?.observedAtMs ?? 0;
      await fetch(new URL(`/page/${at}`, source.baseUrl), { signal: context.signal });
      yield page;
    }
  },
  parseRow: ({ raw }) => ({ raw, reason: 'unreadable', message: 'no row of this source is invalid' }),
  backfill: { sliceMs: hourMs },
});

export default createDrillSource;
