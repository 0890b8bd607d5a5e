// What a person who taps sees of a poll: every row as parsed, and only what of it is new or corrected.
import { createLogger } from '@stream-manager/shared/observability/logger';
import type { TapStage } from '@stream-manager/shared/queues/tap';
import { createTapListener } from '@stream-manager/shared/queues/tap-listener';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { onePage, openPollerBundle, page, reading, readings, sourceId } from './poller-bundle.ts';

const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });

describe('a tap at a poll', () => {
  it('shows every row after parse, invalid ones first and without secrets, and after dedupe only what is news', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    const invalid = { raw: '{"token":"topsecret-token"}', reason: 'wrong_shape', message: 'found topsecret-token' };
    poller.script = onePage(page(readings(0, 2)));
    await poller.pollOnce();

    const seen: Record<string, unknown[]> = { parse: [], dedupe: [] };
    const listener = createTapListener({ redis: poller.redis, logger }, { keyPrefix: poller.keyPrefix });
    const listen = (stage: TapStage) =>
      listener.listen(sourceId, stage, ({ records }) => void seen[stage]?.push(...records));
    const stops = await Promise.all([listen('parse'), listen('dedupe')]);
    const corrected = reading(1, { data: { stationId: 'S1', temperatureC: 12 } });
    poller.script = onePage(page([reading(0), corrected, reading(2)], null, [invalid]));
    // The poller looks again for who taps a second after its last look.
    await waitUntil(
      'a poll that is shown',
      async () => {
        await poller.pollOnce();
        return seen.parse?.length !== 0;
      },
      { timeoutMs: 30_000 },
    );
    await waitUntil('all rows', () => (seen.parse?.length ?? 0) >= 4, { timeoutMs: 30_000 });
    expect(seen.parse?.slice(0, 4)).toEqual([
      { invalid: { reason: 'wrong_shape', message: 'found ***', raw: '{"token":"***"}' } },
      ...[reading(0), corrected, reading(2)].map(({ observedAtMs, ...record }) => ({
        record: { ...record, observedAt: new Date(observedAtMs).toISOString() },
      })),
    ]);

    poller.script = onePage(page([reading(0), reading(3), reading(1, { data: { temperatureC: 13 } })]));
    await poller.pollOnce();
    await waitUntil('what is news', () => JSON.stringify(seen.dedupe?.at(-1)).includes(':13'), { timeoutMs: 30_000 });
    expect(seen.dedupe?.slice(-2)).toEqual([
      {
        record: expect.objectContaining({ sourceId, data: { stationId: 'S3', temperatureC: 11 } }),
        key: 'S3',
        isCorrection: false,
      },
      { record: expect.objectContaining({ data: { temperatureC: 13 } }), key: 'S1', isCorrection: true },
    ]);
    for (const stop of stops) await stop();
  });
});
