// Tokens of client credentials: when one is asked for, how, and what of an answer is taken for one.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import {
  createTokenKeeper,
  readToken,
  type SendTokenRequest,
  type TokenAnswer,
  type TokenRequest,
  tokenRequest,
} from '../../src/http/oauth2.ts';

const settings = {
  type: 'oauth2',
  tokenUrl: 'https://login.example/token',
  clientId: 'me & you',
  clientSecret: 's3cret:100%',
} as const;
const place = settings.tokenUrl;
const never = new AbortController().signal;

const tokenOf = (value: string, more: object = {}): TokenAnswer => ({
  status: 200,
  text: JSON.stringify({ access_token: value, token_type: 'Bearer', ...more }),
  excerpt: '',
});
const refusal = (status: number): TokenAnswer => ({ status, text: '', excerpt: '{"error":"invalid_client"}' });

const setup = (answers: readonly (TokenAnswer | Error)[]) => {
  let time = 1_000_000;
  const sent: TokenRequest[] = [];
  const send: SendTokenRequest = async (request) => {
    sent.push(request);
    const answer = answers[sent.length - 1] ?? new Error('asked too often');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const keeper = createTokenKeeper(settings, { place, now: () => time });
  return {
    sent,
    keeper,
    get: () => keeper.get(send, never),
    pass: (ms: number) => {
      time += ms;
    },
  };
};

describe('a token', () => {
  it('is asked for once, and again shortly before it expires', async () => {
    const test = setup([tokenOf('one', { expires_in: 3600 }), tokenOf('two', { expires_in: 100 }), tokenOf('three')]);
    expect(await test.get()).toBe('one');
    test.pass(3_539_999);
    expect(await test.get()).toBe('one');
    test.pass(1);
    expect(await test.get()).toBe('two');
    // A short life: the last tenth of it.
    test.pass(89_999);
    expect(await test.get()).toBe('two');
    test.pass(1);
    expect(await test.get()).toBe('three');
    // It does not say how long: until it is refused.
    test.pass(10 ** 10);
    expect(await test.get()).toBe('three');
    expect(test.sent).toHaveLength(3);
  });

  it('is asked for by one, however many need it', async () => {
    const test = setup([tokenOf('one', { expires_in: 3600 })]);
    expect(await Promise.all([test.get(), test.get(), test.get()])).toEqual(['one', 'one', 'one']);
    expect(test.sent).toHaveLength(1);
  });

  it('that was refused is not given again, but another one that came meanwhile is', async () => {
    const test = setup([tokenOf('one'), tokenOf('two')]);
    await test.get();
    test.keeper.refuse('one');
    expect(await test.get()).toBe('two');
    test.keeper.refuse('one');
    expect(await test.get()).toBe('two');
  });

  it('that is still valid serves when its successor does not come', async () => {
    const test = setup([tokenOf('one', { expires_in: 100 }), new Error('away'), new Error('away'), tokenOf('two')]);
    await test.get();
    test.pass(95_000);
    expect(await test.get()).toBe('one');
    test.pass(5_000);
    await expect(test.get()).rejects.toThrow('away');
    expect(await test.get()).toBe('two');
  });

  it('is asked for by who still waits when the poll that asked is stopped', async () => {
    const keeper = createTokenKeeper(settings, { place, now: () => 0 });
    const first = Promise.withResolvers<TokenAnswer>();
    const stopped = keeper.get(() => first.promise, never);
    const other = keeper.get(async () => tokenOf('mine'), never);
    first.reject(new StreamManagerError('stopped', 'the poll is stopped'));
    await expect(stopped).rejects.toMatchObject({ code: 'stopped' });
    expect(await other).toBe('mine');
  });
});

describe('the client', () => {
  it('stands in the header first, encoded as in a form, and in the body if that is refused; what worked is kept', async () => {
    const test = setup([refusal(401), tokenOf('one'), tokenOf('two')]);
    expect(await test.get()).toBe('one');
    test.keeper.refuse('one');
    expect(await test.get()).toBe('two');
    const pair = Buffer.from('me+%26+you:s3cret%3A100%25').toString('base64');
    expect(test.sent.map(({ headers }) => headers['authorization'])).toEqual([`Basic ${pair}`, undefined, undefined]);
    expect(test.sent.map(({ body }) => Object.fromEntries(new URLSearchParams(body)))).toEqual([
      { grant_type: 'client_credentials' },
      { grant_type: 'client_credentials', client_id: settings.clientId, client_secret: settings.clientSecret },
      { grant_type: 'client_credentials', client_id: settings.clientId, client_secret: settings.clientSecret },
    ]);
  });

  it.each([400, 401])('that is refused in both is told once, without the secret (%i)', async (status) => {
    const test = setup([refusal(status), refusal(status), refusal(status), refusal(status)]);
    const error = await test.get().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'credentials_refused' });
    expect(String(error)).toContain(`no token from ${place}: it answered ${status}: {"error":"invalid_client"}`);
    // It was not taken for the right way.
    await expect(test.get()).rejects.toMatchObject({ code: 'credentials_refused' });
    expect(test.sent.filter(({ headers }) => 'authorization' in headers)).toHaveLength(2);
  });

  it('names scope and audience', () => {
    const { body } = tokenRequest({ ...settings, scope: 'a b', audience: 'https://api' }, 'header');
    expect(body).toBe('grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi');
  });
});

describe('an answer', () => {
  it.each([
    { name: 'a token', text: '{"access_token":"abc","token_type":"bearer"}', token: 'abc' },
    { name: 'a token of no type', text: '{"access_token":"abc"}', token: 'abc' },
    { name: 'a life in a text', text: '{"access_token":"abc","expires_in":"3600"}', token: 'abc' },
    { name: 'a life of nothing', text: '{"access_token":"abc","expires_in":0}', token: 'abc' },
  ])('may be $name', ({ text, token }) => {
    expect(readToken({ status: 200, text, excerpt: '' }, place, 0).value).toBe(token);
  });

  it.each([
    { name: 'no JSON', text: 's3cret-token' },
    { name: 'null', text: 'null' },
    { name: 'no token', text: '{"id_token":"s3cret-token"}' },
    { name: 'no text', text: '{"access_token":{"s3cret-token":1}}' },
    { name: 'a token that no header carries', text: '{"access_token":"s3cret-token\\nX: y"}' },
    { name: 'another type', text: '{"access_token":"s3cret-token","token_type":"mac"}' },
  ])('that is $name is unreadable, and nothing of it is shown', ({ text }) => {
    let error: unknown;
    try {
      readToken({ status: 200, text, excerpt: '' }, place, 0);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'response_unreadable' });
    expect(String(error)).not.toContain('s3cret');
  });
});
