import { createServer } from 'node:http';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { createLogin, safeReturnPath } from '../../src/dashboard/login.ts';

const credentials = { user: 'ops', password: 'a good long password' };

const setup = async (now: () => number = Date.now) => {
  const app = express();
  app.use(createLogin(credentials, now));
  app.all('/thing', (_request, response) => {
    response.send('inside');
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

const signIn = (url: string, fields: Record<string, string>) =>
  fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });

describe('the login', () => {
  it('answers a script without one with 401 and how to do it', async () => {
    await using site = await setup();
    const answer = await fetch(`${site.url}/thing`, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(await answer.json()).toHaveProperty('error');
  });

  it('answers a browser with the form', async () => {
    await using site = await setup();
    const answer = await fetch(`${site.url}/thing?a=1`, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('name="returnTo" value="/thing?a=1"');
  });

  it.each([
    { name: 'a wrong password', headers: basic('ops', 'wrong') },
    { name: 'a wrong user', headers: basic('admin', credentials.password) },
    { name: 'rubbish', headers: { authorization: 'Basic !!!' } },
    { name: 'another scheme', headers: { authorization: 'Bearer abc' } },
    { name: 'a forged cookie', headers: { cookie: 'stream_manager_session=9999999999999.forged' } },
  ])('refuses $name', async ({ headers }) => {
    await using site = await setup();
    expect((await fetch(`${site.url}/thing`, { headers })).status).toBe(401);
  });

  it('lets HTTP Basic in', async () => {
    await using site = await setup();
    const answer = await fetch(`${site.url}/thing`, { headers: basic(credentials.user, credentials.password) });
    expect(await answer.text()).toBe('inside');
  });

  it('gives a session that scripts of a page cannot read and other sites do not get, and that ends', async () => {
    let time = Date.now();
    await using site = await setup(() => time);
    const answer = await signIn(site.url, { ...credentials, returnTo: '/thing' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/thing');
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/SameSite=Strict/i);
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect((await fetch(`${site.url}/thing`, { headers })).status).toBe(200);
    time += 13 * 60 * 60 * 1000;
    expect((await fetch(`${site.url}/thing`, { headers })).status).toBe(401);
  });

  it('refuses an act that another site started, with whatever credentials, and allows its own', async () => {
    await using site = await setup();
    const headers = basic(credentials.user, credentials.password);
    const act = (site_: string) =>
      fetch(`${site.url}/thing`, { method: 'POST', headers: { ...headers, 'sec-fetch-site': site_ } });
    expect((await act('cross-site')).status).toBe(403);
    expect((await act('same-site')).status).toBe(403);
    expect((await act('same-origin')).status).toBe(200);
    expect((await fetch(`${site.url}/thing`, { method: 'POST', headers })).status).toBe(200);
  });

  it.each([
    { origin: 'http://evil.example', status: 403 },
    { origin: 'null', status: 403 },
    { origin: 'self', status: 200 },
  ])('goes by the origin where a browser says no more: $origin', async ({ origin, status }) => {
    await using site = await setup();
    const headers = { ...basic(credentials.user, credentials.password), origin: origin === 'self' ? site.url : origin };
    expect((await fetch(`${site.url}/thing`, { method: 'POST', headers })).status).toBe(status);
    const login = await fetch(`${site.url}/login`, {
      method: 'POST',
      headers: { origin: headers.origin },
      body: new URLSearchParams({ user: credentials.user, password: credentials.password }),
      redirect: 'manual',
    });
    expect(login.status).toBe(status === 200 ? 303 : 403);
  });

  it('stops guessing after twenty failures, and forgets them after a minute', async () => {
    let time = 1_000_000;
    await using site = await setup(() => time);
    for (let attempt = 0; attempt < 20; attempt++) await fetch(`${site.url}/thing`, { headers: basic('ops', 'wrong') });
    const right = basic(credentials.user, credentials.password);
    expect((await fetch(`${site.url}/thing`, { headers: right })).status).toBe(429);
    time += 61_000;
    expect((await fetch(`${site.url}/thing`, { headers: right })).status).toBe(200);
  });

  it.each([
    { path: '/admin/queues', safe: '/admin/queues' },
    { path: '//evil.example', safe: '/' },
    { path: '/\\evil.example', safe: '/' },
    { path: 'https://evil.example', safe: '/' },
    { path: '/login', safe: '/' },
    { path: '/"><script>', safe: '/' },
    { path: undefined, safe: '/' },
  ])('goes back to $safe for $path', ({ path, safe }) => {
    expect(safeReturnPath(path)).toBe(safe);
  });
});
