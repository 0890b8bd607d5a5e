// The real HTTP client as a test of connectors needs it: no rate limit, and nothing that is shared over a fleet.
import { after } from '@stream-manager/shared/ops/after';
import { createHostShares } from '../../src/http/host-share.ts';
import { createHttpClient } from '../../src/http/undici-client.ts';
import { createOpenRateLimit } from '../http/open-rate-limit.ts';

type Settings = Parameters<typeof createHttpClient>[0];

/** To be closed by the test. */
export const createRealHttp = (
  settings: Pick<Settings, 'maxResponseBytes' | 'spool'>,
): ReturnType<typeof createHttpClient> =>
  createHttpClient({
    rateLimit: createOpenRateLimit(),
    hostShares: createHostShares({ after }, { concurrency: 32 }),
    userAgent: 'test',
    ...settings,
  });
