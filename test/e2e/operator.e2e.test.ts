// What an operator sees and does of a source, with the tool and the processes as they are: its list, its cursor, a poll now, a
// tap at every border, and the metrics of the fleet in one answer.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { startSystem } from './system.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs streamctl; `text` grows while it runs. */
const runTool = (env: Readonly<Record<string, string>>, words: readonly string[]) => {
  const child: ChildProcess = spawn(process.execPath, ['apps/streamctl/src/main.ts', ...words], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', notice: '' };
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text.out += part));
  child.stderr?.setEncoding('utf8').on('data', (part: string) => (text.notice += part));
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
  return { child, text, ended };
};

const jsonLines = (text: string): readonly Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    // Lines of our own tool.
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('an operator', () => {
  it('sees what a source does, and steers it', async () => {
    await using system = await startSystem({
      redisUrl: inject('redisUrl'),
      kafkaBrokers: inject('kafkaBrokers'),
      providers: { faults: { firms: { malformedShare: 0.2 } } },
    });
    const scheduler = await system.start('scheduler');
    await Promise.all([system.start('poller-worker'), system.start('producer-worker')]);
    const env = { STREAM_API: await scheduler.url(), DASHBOARD_PASSWORD: system.password };
    const tool = async (...words: readonly string[]) => {
      const { text, ended } = runTool(env, words);
      return { code: await ended, ...text };
    };

    const taps = ['parse', 'dedupe', 'route'].map((after) =>
      runTool(env, ['tap', 'purpleair', '--after', after, '--limit', '3']),
    );
    expect(await Promise.all(taps.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    const [parsed = [], fresh = [], routed = []] = taps.map(({ text }) => jsonLines(text.out));
    expect(parsed).toHaveLength(3);
    for (const { record } of parsed)
      expect(record).toMatchObject({ type: 'air-quality', naturalKey: expect.any(String) });
    for (const { record } of fresh) expect(record).toMatchObject({ sourceId: 'purpleair', id: expect.any(String) });
    for (const line of routed)
      expect(line).toMatchObject({
        topic: system.topics.purpleair,
        headers: { 'source-id': 'purpleair', 'record-id': expect.any(String) },
        value: { sourceId: 'purpleair' },
      });

    const forever = runTool(env, ['tap', 'firms', '--after', 'parse']);
    await waitUntil('an invalid row', () => forever.text.out.includes('"invalid"'), { timeoutMs: 60_000 });
    forever.child.kill('SIGINT');
    expect(await forever.ended).toBe(0);
    expect(forever.text.notice).toMatch(/^listening after parse of firms \(running, next poll in /);
    expect(forever.text.out).not.toContain(system.providers.mapKey);

    const piped = runTool(env, ['tap', 'purpleair', '--after', 'parse']);
    await waitUntil('a record', () => piped.text.out !== '', { timeoutMs: 60_000 });
    piped.child.stdout?.destroy();
    expect(await piped.ended).toBe(0);
    expect(piped.text.notice).not.toContain('EPIPE');

    const list = await tool('sources', 'list');
    expect(list.code).toBe(0);
    expect(list.out).toMatch(/firms +127\.0\.0\.1:\d+ +nasa-firms +batch +2 s .* running .* 600 +–\n/);
    expect((await tool('poll', 'now', 'firms')).out).toMatch(/^firms: /);
    expect(await tool('poll', 'frims')).toMatchObject({
      code: 2,
      notice: expect.stringContaining('did you mean firms?'),
    });

    await system.act('alerts', 'stop');
    await waitUntil('the end of the polls of alerts', async () => {
      const { streams } = await (await system.api()).streams();
      return streams.find(({ id }) => id === 'alerts')?.nextPollAt === null;
    });
    const set = await tool('sources', 'cursor', 'set', 'alerts', '--until', '2026-01-01', '--json');
    expect(JSON.parse(set.out)).toMatchObject({ until: '2026-01-01T00:00:00.000Z', by: 'admin' });
    expect((await tool('sources', 'cursor', 'reset', 'alerts')).out).toContain(
      'the next poll begins as the first one did',
    );

    const backfill = await tool('backfill', 'firms', '--from', '3d', '--to', '1d', '--wait');
    expect(backfill, backfill.notice).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^backfill \w+ of firms is finished: \d+ records\n$/),
    });
    expect(await tool('backfill', 'list', 'firms')).toMatchObject({
      out: expect.stringMatching(/100 % .*finished\n$/),
    });
    const never = await tool('backfill', 'purpleair', '--from', '3d');
    expect(never).toMatchObject({ code: 2, notice: expect.stringContaining('cannot be asked for the past') });

    const login = `Basic ${Buffer.from(`admin:${system.password}`).toString('base64')}`;
    const answer = await fetch(`${env.STREAM_API}/api/metrics`, { headers: { authorization: login } });
    const { processes, metrics } = (await answer.json()) as {
      readonly processes: readonly { readonly role: string; readonly error: string | null }[];
      readonly metrics: readonly { readonly name: string; readonly samples: readonly { readonly value: number }[] }[];
    };
    expect(processes.map(({ error }) => error)).toEqual([null, null, null]);
    expect(new Set(processes.map(({ role }) => role))).toEqual(
      new Set(['scheduler', 'poller-worker', 'producer-worker']),
    );
    // One counter of each worker, in one answer.
    for (const name of ['stream_manager_records_accepted_total', 'stream_manager_records_published_total'])
      expect(metrics.find((metric) => metric.name === name)?.samples.length, name).toBeGreaterThan(0);
  });
});
