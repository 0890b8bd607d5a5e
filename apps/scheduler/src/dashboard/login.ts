// The login in front of dashboard and API: one user, HTTP Basic for scripts, a cookie session for people (form below
// the 401, so that both work in a browser). Acts (anything but GET and HEAD) that another site started are refused.
import { createHash, createHmac, scryptSync, timingSafeEqual } from 'node:crypto';
import { type NextFunction, type Request, type Response, Router, urlencoded } from 'express';

/** Who may enter. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

const sessionMs = 12 * 60 * 60 * 1000;
const cookieName = 'stream_manager_session';
/** Failed logins of one address in a minute before it is refused until the minute is over. */
const failuresPerMinute = 20;
/** Addresses remembered at a time. */
const addressesMax = 1_000;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

const basicCredentials = (header: string | undefined): Credentials | null => {
  if (header === undefined || !/^basic /i.test(header)) return null;
  const text = Buffer.from(header.slice(6).trim(), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
};

const cookieOf = (request: Request): string | undefined =>
  request.headers.cookie
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${cookieName}=`))
    ?.slice(cookieName.length + 1);

const messages = {
  none: 'A login is needed: user and password of the dashboard (scripts: HTTP Basic).',
  wrong: 'That user or password is not right.',
  blocked: 'Too many failed logins from this address: try again in a minute.',
} as const;

/** A path of this site to go back to after the login; anything else becomes `/`. */
export const safeReturnPath = (path: unknown): string =>
  typeof path === 'string' && /^\/(?![/\\])[\w\-./?=&%#]*$/.test(path) && !path.startsWith('/login') ? path : '/';

/**
 * Browsers add credentials to requests that other sites start; they also say so: in `Sec-Fetch-Site` on trustworthy
 * addresses (which a proxy does not change), else in `Origin`. Scripts send neither.
 */
const isFromElsewhere = (request: Request): boolean => {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, host } = request.headers;
  return origin !== undefined && URL.parse(origin)?.host !== host;
};

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const loginPage = (returnTo: string, message: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>StreamManager: sign in</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/assets/page.css"></head>
<body class="login"><main><h1>StreamManager</h1><form method="post" action="/login">
<p class="problem" role="alert">${escapeHtml(message)}</p>
<input type="hidden" name="returnTo" value="${escapeHtml(returnTo)}">
<label>User <input name="user" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Sign in</button></form></main></body></html>`;

/**
 * The login. Everything mounted behind the returned router needs it; `/login` and `/logout` are served by it.
 * Sessions are signed with a key made from the password, so they hold on every scheduler and end when it changes.
 */
export const createLogin = (credentials: Credentials, now: () => number = Date.now): Router => {
  // Slow on purpose: a stolen cookie must not let the password be guessed at leisure.
  const key = scryptSync(credentials.password, `stream-manager-session:${credentials.user}`, 32);
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  let windowStart = 0;
  const failures = new Map<string, number>();
  const check = (given: Credentials, address: string): 'right' | 'wrong' | 'blocked' => {
    if (now() - windowStart > 60_000 || failures.size > addressesMax) {
      windowStart = now();
      failures.clear();
    }
    const failed = failures.get(address) ?? 0;
    if (failed >= failuresPerMinute) return 'blocked';
    const isRight = isEqual(given.user, credentials.user) && isEqual(given.password, credentials.password);
    if (!isRight) failures.set(address, failed + 1);
    return isRight ? 'right' : 'wrong';
  };
  const isSession = (cookie: string | undefined): boolean => {
    const [expires = '', signature = ''] = cookie?.split('.') ?? [];
    return signature !== '' && isEqual(signature, sign(expires)) && Number(expires) > now();
  };
  const refuse = (
    request: Request,
    response: Response,
    returnTo: string,
    message: string,
    isBlocked: boolean,
  ): void => {
    response.status(isBlocked ? 429 : 401).set('Cache-Control', 'no-store');
    if (isBlocked) response.set('Retry-After', '60');
    else response.set('WWW-Authenticate', 'Basic realm="StreamManager", charset="UTF-8"');
    if (request.accepts(['json', 'html']) === 'html') response.type('html').send(loginPage(returnTo, message));
    else response.json({ error: message });
  };

  const router = Router();
  router.use((request: Request, response: Response, next: NextFunction) => {
    const isAct = request.method !== 'GET' && request.method !== 'HEAD';
    if (isAct && isFromElsewhere(request))
      response.status(403).json({ error: 'refused: this request was started by another site' });
    else next();
  });
  router.post('/login', urlencoded({ extended: false, limit: '4kb' }), (request, response) => {
    const body: unknown = request.body;
    const field = (name: string): string => {
      const value: unknown =
        typeof body === 'object' && body !== null ? Object.entries(body).find(([key]) => key === name)?.[1] : '';
      return typeof value === 'string' ? value : '';
    };
    const returnTo = safeReturnPath(field('returnTo'));
    const outcome = check({ user: field('user'), password: field('password') }, request.ip ?? '');
    if (outcome !== 'right') {
      refuse(request, response, returnTo, messages[outcome], outcome === 'blocked');
      return;
    }
    const expires = String(now() + sessionMs);
    response.cookie(cookieName, `${expires}.${sign(expires)}`, {
      httpOnly: true,
      sameSite: 'strict',
      secure: request.secure,
      maxAge: sessionMs,
      path: '/',
    });
    response.redirect(303, returnTo);
  });
  router.post('/logout', (_request, response) => {
    response.clearCookie(cookieName, { path: '/' });
    response.redirect(303, '/');
  });
  router.use((request: Request, response: Response, next: NextFunction) => {
    const given = basicCredentials(request.headers.authorization);
    const outcome = given === null ? 'none' : check(given, request.ip ?? '');
    if (outcome !== 'right' && !(outcome === 'none' && isSession(cookieOf(request)))) {
      refuse(request, response, safeReturnPath(request.originalUrl), messages[outcome], outcome === 'blocked');
      return;
    }
    next();
  });
  return router;
};
