// The dashboard in a real browser: login, the queues with live counts, the overview with its acts. Screenshots go to
// test-artifacts/ for whoever wants to look.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { addAnswer } from '@stream-manager/shared/conditions/answer-history';
import { openQueue, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { createRedisProviderBreakers } from '@stream-manager/shared/queues/redis-provider-breakers';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { createSourceStateStore } from '@stream-manager/shared/queues/source-state';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { startSystem } from './system.ts';

const artifacts = fileURLToPath(new URL('../../test-artifacts/', import.meta.url));

const whole = async () => {
  await mkdir(artifacts, { recursive: true });
  const system = await startSystem({
    redisUrl: inject('redisUrl'),
    kafkaBrokers: inject('kafkaBrokers'),
    providers: { static: true, firms: { bulk: { rows: 3_000 } } },
  });
  // No producer: the chunks stay, so the numbers on the page are known.
  const scheduler = await system.start('scheduler');
  await system.start('poller-worker');
  const url = await scheduler.url();
  const { browser, close } = await openBrowser();
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  return {
    system,
    url,
    page: await context.newPage(),
    [Symbol.asyncDispose]: async () => {
      await close();
      await system[Symbol.asyncDispose]();
    },
  };
};

type Whole = Awaited<ReturnType<typeof whole>>;

const signIn = async ({ page, url, system }: Whole, path: string): Promise<void> => {
  await page.goto(`${url}${path}`);
  await page.getByLabel('User').fill('admin');
  await page.getByLabel('Password').fill(system.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${url}${path}`);
};

describe('the dashboard in a browser', () => {
  it('asks for a login, then shows every queue with its live counts', async () => {
    await using part = await whole();
    const { page, system } = part;
    const records = openQueue(recordsQueueAddress(system.keyPrefix, 'firms'), system.redis, () => {});
    const api = await system.api();
    const queued = async (): Promise<number> => {
      const firms = (await api.streams()).streams.find(({ id }) => id === 'firms');
      return Object.values(firms?.queued ?? {}).reduce((sum, count) => sum + count, 0);
    };
    await waitUntil('all rows to be queued', async () => (await queued()) === 3_000, { timeoutMs: 60_000 });
    const chunks = await records.getPrioritizedCount();
    await records.close();
    expect(chunks).toBeGreaterThanOrEqual(6);

    const refused = await page.goto(`${part.url}/admin/queues`);
    expect(refused?.status()).toBe(401);
    await signIn(part, '/admin/queues');

    for (const name of [
      'poll',
      'records.firms',
      'dead-letter.firms',
      'records.stations',
      'records.alerts',
      'records.purpleair',
    ])
      await page.locator(`a[href*="/queue/${name}"]`).first().waitFor({ state: 'attached', timeout: 20_000 });
    await page.getByText('Loading...').waitFor({ state: 'hidden', timeout: 20_000 });
    await page.screenshot({ path: `${artifacts}dashboard.png` });

    await page.goto(`${part.url}/admin/queues/queue/records.firms?status=prioritized`);
    await page.getByText(String(chunks), { exact: true }).first().waitFor({ timeout: 20_000 });
    await page.screenshot({ path: `${artifacts}records-queue.png` });
    const text = await page.locator('body').innerText();
    expect(text).toMatch(/records:\d{3}/);
    expect(text).not.toContain(system.providers.mapKey);
  });

  it('shows the streams on the overview, and its buttons act', async () => {
    await using part = await whole();
    const { page, system } = part;
    await signIn(part, '/');
    const row = page.locator('tr[data-stream="firms"]');
    const shownRecords = async (): Promise<number> => {
      const cells = await row.locator('td.number').allInnerTexts();
      return cells.slice(0, 4).reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0);
    };
    await waitUntil('the row to show the queued records', async () => (await shownRecords()) === 3_000, {
      timeoutMs: 60_000,
    });
    await page.screenshot({ path: `${artifacts}overview.png` });
    await row.getByRole('button', { name: 'pause' }).click();
    await waitUntil('the pause to show', async () => (await row.innerText()).includes('paused'));
    expect((await system.act('firms', 'poll')).status).toBe(409);
    await row.getByRole('button', { name: 'resume' }).click();
    await waitUntil('the resume to show', async () => (await row.innerText()).includes('running'));
  });

  it('shows on the overview which provider does not answer, and which answers are odd', async () => {
    await using part = await whole();
    const { page, system } = part;
    await signIn(part, '/');
    await system.act('purpleair', 'stop');
    const row = page.locator('tr[data-stream="purpleair"]');
    await waitUntil('the stop to show', async () => (await row.innerText()).includes('stopped'), { timeoutMs: 30_000 });

    const { host } = new URL(system.providers.urls.purpleair);
    const breakers = createRedisProviderBreakers(system.redis, system.keyPrefix);
    const states = createSourceStateStore(system.redis, system.keyPrefix);
    const atMs = Date.now();
    const old = { atMs, rows: 7, newestObservedAtMs: atMs - 86_400_000 };
    const poll = { at: new Date(atMs).toISOString(), outcome: 'ok', records: 0, durationMs: 1, error: null } as const;
    await waitUntil(
      'both to show',
      async () => {
        // A poll that was under way may still tell of an answer.
        await states.recordPoll('purpleair', poll, addAnswer(null, old, 'varying'));
        const failed = { kind: 'unanswered', pauseMs: 300_000, error: 'connection refused' } as const;
        for (let failures = 0; failures < 5; failures += 1) await breakers.tell(host, `poll-${failures}`, failed);
        const text = await row.innerText();
        return text.includes('provider open') && text.includes('stale');
      },
      { timeoutMs: 30_000, intervalMs: 1_000 },
    );
    const badges = row.locator('.badge');
    expect(await badges.first().getAttribute('title')).toMatch(
      /gave no answer \d+ times in a row \(connection refused\)/,
    );
    expect(await badges.last().getAttribute('title')).toContain('the provider answers, but its newest observation');
    expect(await page.locator('#problems').innerText()).toContain(`purpleair: ${host} gave no answer`);
    await page.screenshot({ path: `${artifacts}overview-provider.png` });
  });

  it('shows on the overview what the throttle does, and why', async () => {
    await using part = await whole();
    const { page, system } = part;
    await signIn(part, '/');
    const throttled = page.locator('tr[data-stream="stations"] td[data-throttle]');
    await throttled.waitFor({ timeout: 30_000 });
    expect(await throttled.innerText()).toBe('no sample');

    // No producer samples here: the decision is ours.
    const store = createRedisThrottleStore({ redis: system.redis, keyPrefix: system.keyPrefix });
    const at = await store.now();
    const reason = 'lag 12,345 of group readers on fires is at least the critical 5,000';
    await store.step(
      new Map([
        [
          'stations',
          {
            from: { number: 0, state: null },
            state: { level: 2, allowedRate: 312.5, lowSamples: 0, at, since: at, ends: {}, sliceMs: 1_000, slices: [] },
            decision: {
              action: 'throttle_critical',
              level: 2,
              delayMs: 2_250,
              allowedRate: 312.5,
              lag: 12_345,
              averageLag: 9_000,
              targetRecords: 1_000,
              criticalRecords: 5_000,
              trendPerSecond: 120,
              drainSeconds: 754,
              reason,
            },
            holdsMs: 30_000,
            lag: { records: 12_345, group: 'readers', topic: 'fires', groups: [], abandoned: [] },
          },
        ],
      ]),
    );
    await waitUntil('the throttle to show', async () => (await throttled.innerText()).startsWith('critical'));
    expect(await throttled.innerText()).toMatch(/^critical, level 2\s+313\/s, pause 2\.3 s$/);
    expect(await throttled.getAttribute('title')).toBe(reason);
    expect(await page.locator('#problems').innerText()).toContain(`stations is throttled: ${reason}`);
    expect(await page.locator('tr[data-stream="stations"]').innerText()).toContain('12,345 ↗ 120/s');
    await page.screenshot({ path: `${artifacts}overview-throttled.png` });
  });
});
