import { describe, expect, it } from 'vitest';
import { openApi } from './api-bundle.ts';

const push = { type: 'push', topic: 'alerts', params: { token: 'a-token-for-the-test' } };

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
};

describe('the address of a cursor', () => {
  it('shows it whole, empty before the first pass is finished', async () => {
    await using part = await openApi();
    const empty = { id: 'alerts', value: null, until: null, at: null, by: null, version: 0 };
    expect(await part.call('GET', '/streams/alerts/cursor')).toEqual({ status: 200, body: empty });
    await part.cursors.write('alerts', 0, { value: { page: 7 }, untilMs: 1_777_636_800_000 });
    expect((await part.call('GET', '/streams/alerts/cursor')).body).toEqual({
      id: 'alerts',
      value: { page: 7 },
      until: '2026-05-01T12:00:00.000Z',
      at: expect.stringMatching(/Z$/),
      by: 'poll',
      version: 1,
    });
  });

  it('sets a value or a time, takes both away, and logs who did what', async () => {
    await using part = await openApi();
    const set = await part.call('PUT', '/streams/alerts/cursor', { value: { page: 7 } });
    expect(set).toMatchObject({ status: 200, body: { value: { page: 7 }, until: null, by: 'ann', version: 1 } });
    const until = await part.call('PUT', '/streams/alerts/cursor', { until: '2026-05-01' });
    expect(until.body).toMatchObject({ value: null, until: '2026-05-01T00:00:00.000Z', version: 2 });
    const reset = await part.call('DELETE', '/streams/alerts/cursor');
    expect(reset).toMatchObject({ status: 200, body: { value: null, until: null, by: 'ann', version: 3 } });
    expect(part.logged()).toMatchObject([
      { msg: 'cursor set', sourceId: 'alerts', user: 'ann', before: { value: 'null' }, after: { value: '{"page":7}' } },
      { msg: 'cursor set', before: { value: '{"page":7}', until: null }, after: { until: '2026-05-01T00:00:00.000Z' } },
      {
        msg: 'cursor reset',
        before: { until: '2026-05-01T00:00:00.000Z', version: 2 },
        after: { value: 'null', version: 3 },
      },
    ]);
  });

  it('changes nothing that was written since the version that is given, and anything without one', async () => {
    await using part = await openApi();
    await part.call('PUT', '/streams/alerts/cursor', { value: 'first' });
    const stale = await part.call('PUT', '/streams/alerts/cursor', { value: 'second', version: 0 });
    expect(stale).toMatchObject({ status: 409, body: { error: expect.stringContaining('was written since') } });
    expect(await part.call('DELETE', '/streams/alerts/cursor?version=0')).toMatchObject({ status: 409 });
    expect((await part.call('GET', '/streams/alerts/cursor')).body).toMatchObject({ value: 'first', version: 1 });
    expect(await part.call('PUT', '/streams/alerts/cursor', { value: 'second', version: 1 })).toMatchObject({
      status: 200,
    });
    expect(await part.call('DELETE', '/streams/alerts/cursor?version=2')).toMatchObject({ status: 200 });
  });

  it('wins over a pass that runs: the pass does not write its own any more', async () => {
    await using part = await openApi();
    const { version } = await part.cursors.read('alerts');
    await part.call('PUT', '/streams/alerts/cursor', { until: '2026-01-01' });
    expect(await part.cursors.write('alerts', version, { value: 'of the pass', untilMs: Date.now() })).toBe(false);
  });

  it.each([
    { name: 'neither value nor time', body: {}, text: /^expected one of value .* and until/ },
    { name: 'both', body: { value: 1, until: '2026-05-01' }, text: /and not both$/ },
    { name: 'no value', body: { value: null }, text: /^value: .*DELETE takes the cursor away/ },
    { name: 'no time', body: { until: 'yesterday' }, text: /^until: expected a time such as .*not "yesterday"$/ },
    { name: 'a time without its zone', body: { until: '2026-05-01T12:00:00' }, text: /^until: expected a time/ },
    { name: 'a day that does not exist', body: { until: '2026-02-31' }, text: /^until: expected a time/ },
    { name: 'a value too deep', body: { value: nested(101) }, text: /^value: lists and objects .* 100 deep$/ },
    { name: 'a time to come', body: { until: '2996-05-01' }, text: /lies in the future/ },
    { name: 'an unknown field', body: { vlaue: 1 }, text: /^vlaue: there is no such field; there are value, until/ },
    { name: 'a version that is none', body: { value: 1, version: -1 }, text: /^version: expected the number/ },
    { name: 'a list', body: [1], text: /^body: expected a JSON object/ },
    { name: 'no JSON', body: '{', text: /JSON/ },
    { name: 'too much', body: { value: 'x'.repeat(70_000) }, text: /^value: .*65536/ },
  ])('refuses $name', async ({ body, text }) => {
    await using part = await openApi();
    const { status, body: answer } = await part.call('PUT', '/streams/alerts/cursor', body);
    expect(status).toBe(400);
    expect(answer.error).toMatch(text);
    expect(await part.cursors.read('alerts')).toMatchObject({ version: 0 });
  });

  it('is there for sources that are polled only', async () => {
    await using part = await openApi({ sources: { pushed: push } });
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { value: 1 } : undefined;
      expect((await part.call(method, '/streams/nobody/cursor', body)).status).toBe(404);
      expect((await part.call(method, '/streams/gone/cursor', body)).status).toBe(404);
      expect((await part.call(method, '/streams/pushed/cursor', body)).body.error).toMatch(
        /come by themselves \(push\)/,
      );
    }
    const poll = await part.call('POST', '/streams/pushed/poll');
    expect(poll).toMatchObject({ status: 409, body: { error: expect.stringContaining('come by themselves (push)') } });
  });
});
