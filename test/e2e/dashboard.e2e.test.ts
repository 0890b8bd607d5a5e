// The dashboard in a real browser: login, the queues with live counts, the overview with its acts. Screenshots go to
// test-artifacts/ for whoever wants to look.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openQueue, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
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
});
