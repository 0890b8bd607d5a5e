import { describe, expect, it } from 'vitest';
import { openApi } from './api-bundle.ts';

const may = { from: '2026-05-01', to: '2026-05-03T12:00:00Z' };

describe('the addresses of backfills', () => {
  it('takes one, shows it, and takes it back', async () => {
    await using part = await openApi();
    await part.backfillStore.writeSlices(new Map([['alerts', 86_400_000]]));
    const asked = await part.call('POST', '/streams/alerts/backfill', may);
    expect(asked).toEqual({
      status: 202,
      body: { id: 'alerts', backfillId: expect.stringMatching(/^[0-9a-f]{10}$/), backfill: 'queued' },
    });
    const { backfillId } = asked.body;
    const again = await part.call('POST', '/streams/alerts/backfill', may);
    expect(again).toEqual({ status: 202, body: { id: 'alerts', backfillId, backfill: 'exists' } });
    expect((await part.call('GET', '/streams/alerts/backfills')).body).toEqual({
      id: 'alerts',
      backfills: [
        {
          id: backfillId,
          source: 'alerts',
          state: 'waiting',
          from: '2026-05-01T00:00:00.000Z',
          to: '2026-05-03T12:00:00.000Z',
          doneUntil: '2026-05-01T00:00:00.000Z',
          share: 0,
          records: 0,
          requestedAt: expect.stringMatching(/Z$/),
          requestedBy: 'ann',
          endedAt: null,
          error: null,
          delayed: null,
        },
      ],
    });
    const address = `/streams/alerts/backfills/${String(backfillId)}`;
    expect(await part.call('DELETE', address)).toEqual({
      status: 200,
      body: { id: 'alerts', backfillId, state: 'cancelled' },
    });
    expect(await part.call('DELETE', address)).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('is over') },
    });
    expect(await part.call('DELETE', '/streams/alerts/backfills/nobody')).toMatchObject({ status: 404 });
    expect(part.logged().slice(0, 3)).toMatchObject([
      { msg: 'backfill asked for', sourceId: 'alerts', user: 'ann', backfillId, kind: 'queued' },
      { msg: 'backfill asked for', kind: 'exists' },
      { msg: 'backfill cancelled', user: 'ann', backfillId },
    ]);
  });

  it.each([
    { name: 'without a beginning', body: { to: '2026-05-01' }, status: 400, text: /^from: .*not nothing$/ },
    { name: 'that ends before it begins', body: { from: may.to, to: may.from }, status: 400, text: /must be before/ },
    { name: 'of the future', body: { from: may.from, to: '2996-01-01' }, status: 400, text: /lies in the future/ },
    { name: 'with a field too many', body: { ...may, fast: true }, status: 400, text: /^fast: there is no such field/ },
    { name: 'of what no poller knows yet', body: may, status: 409, text: /no poller has said yet/ },
  ])('refuses one $name', async ({ body, status, text }) => {
    await using part = await openApi();
    const answer = await part.call('POST', '/streams/alerts/backfill', body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatch(text);
    expect((await part.call('GET', '/streams/alerts/backfills')).body.backfills).toEqual([]);
  });

  it('shows and takes back one whose source is not in the config any more', async () => {
    await using part = await openApi();
    const backfill = { sourceId: 'deleted', id: 'abc', fromMs: 1, toMs: 2, requestedAtMs: 3, requestedBy: 'ann' };
    await part.backfillStore.add(backfill);
    expect((await part.call('GET', '/streams/deleted/backfills')).body).toMatchObject({
      backfills: [{ id: 'abc', state: 'waiting' }],
    });
    expect(await part.call('DELETE', '/streams/deleted/backfills/abc')).toMatchObject({ status: 200 });
    expect((await part.call('DELETE', '/streams/deleted/backfills/other')).status).toBe(404);
  });

  it('refuses one of a source that only gives what is new, or that there is none of', async () => {
    await using part = await openApi();
    await part.backfillStore.writeSlices(new Map([['alerts', 0]]));
    const { status, body } = await part.call('POST', '/streams/alerts/backfill', may);
    expect([status, body.error]).toEqual([409, expect.stringContaining('cannot be asked for the past')]);
    for (const id of ['nobody', 'gone'])
      expect((await part.call('POST', `/streams/${id}/backfill`, may)).status).toBe(404);
    expect((await part.call('GET', '/streams/nobody/backfills')).status).toBe(404);
    expect((await part.call('GET', '/streams/gone/backfills')).body).toEqual({ id: 'gone', backfills: [] });
  });
});
