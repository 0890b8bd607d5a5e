import { describe, expect, it } from 'vitest';
import { isActAllowed, shorten } from '../../src/dashboard/bull-board.ts';

describe('the dashboard', () => {
  it.each([
    { method: 'put', route: '/api/queues/:queueName/pause', allowed: true },
    { method: 'put', route: '/api/queues/:queueName/:jobId/retry', allowed: true },
    { method: 'put', route: '/api/queues/:queueName/retry/:queueStatus', allowed: true },
    { method: 'put', route: '/api/queues/:queueName/promote', allowed: true },
    { method: 'put', route: '/api/queues/:queueName/job-schedulers/:schedulerId/run', allowed: true },
    { method: 'post', route: '/api/queues/:queueName/add', allowed: false },
    { method: 'patch', route: '/api/queues/:queueName/:jobId/update-data', allowed: false },
    { method: 'put', route: '/api/queues/:queueName/concurrency', allowed: false },
    { method: 'put', route: '/api/queues/:queueName/:jobId/priority', allowed: false },
    { method: 'put', route: '/api/queues/:queueName/:jobId/delay', allowed: false },
    { method: 'put', route: '/api/queues/:queueName/rate-limit/release', allowed: false },
    { method: 'put', route: '/api/queues/:queueName/job-schedulers/:schedulerId/remove', allowed: true },
    { method: 'put', route: '/api/queues/:queueName/clean/:queueStatus', allowed: true },
    { method: 'put', route: '/api/queues/:queueName/rate-limit', allowed: false },
    { method: 'patch', route: '/api/queues/:queueName/job-schedulers/:schedulerId', allowed: false },
    { method: 'get', route: '/api/queues/:queueName/rate-limit', allowed: true },
  ])('$method $route: allowed $allowed', ({ method, route, allowed }) => {
    expect(isActAllowed(method, route)).toBe(allowed);
  });

  it('cuts what would freeze a browser, and leaves the rest', () => {
    const shown = shorten({ n: 1, text: 'x'.repeat(5000), list: Array.from({ length: 50 }, (_, i) => i), none: null });
    expect(shown).toMatchObject({ n: 1, none: null });
    expect(JSON.stringify(shown).length).toBeLessThan(2300);
    expect(shown).toHaveProperty('text', expect.stringContaining('(5000 characters)'));
  });
});
