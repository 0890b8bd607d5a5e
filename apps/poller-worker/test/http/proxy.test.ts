// The table follows the documentation and the tests of golang.org/x/net/http/httpproxy.
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import { parseNoProxy, proxiesOf } from '../../src/http/proxy.ts';

const proxyOf = (env: Record<string, string>, url: string): string | null => proxiesOf(env).of(new URL(url));

describe('the proxy of a request', () => {
  const both = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'http://secure:2' };
  it.each([
    { env: both, url: 'http://a.example/', proxy: 'http://plain:1/' },
    { env: both, url: 'https://a.example/', proxy: 'http://secure:2/' },
    { env: { HTTP_PROXY: 'http://plain:1' }, url: 'https://a.example/', proxy: null },
    { env: { HTTPS_PROXY: 'http://secure:2' }, url: 'http://a.example/', proxy: null },
    { env: { http_proxy: 'http://lower:3' }, url: 'http://a.example/', proxy: 'http://lower:3/' },
    { env: { ...both, http_proxy: 'http://lower:3' }, url: 'http://a.example/', proxy: 'http://plain:1/' },
    { env: { HTTP_PROXY: '', http_proxy: 'http://lower:3' }, url: 'http://a.example/', proxy: 'http://lower:3/' },
    { env: { HTTP_PROXY: 'no-scheme:8080' }, url: 'http://a.example/', proxy: 'http://no-scheme:8080/' },
    { env: { HTTP_PROXY: 'https://over-tls:1' }, url: 'http://a.example/', proxy: 'https://over-tls:1/' },
    { env: {}, url: 'http://a.example/', proxy: null },
    { env: both, url: 'http://localhost/', proxy: null },
    { env: both, url: 'http://localhost:8080/', proxy: null },
    { env: both, url: 'https://127.3.2.1/', proxy: null },
    { env: both, url: 'http://[::1]:80/', proxy: null },
    { env: both, url: 'http://10.0.0.1/', proxy: 'http://plain:1/' },
    { env: { ...both, no_proxy: 'a.example' }, url: 'http://a.example/', proxy: null },
    {
      env: { ...both, NO_PROXY: 'b.example', no_proxy: 'a.example' },
      url: 'http://a.example/',
      proxy: 'http://plain:1/',
    },
  ])('$url with $env is $proxy', ({ env, url, proxy }) => {
    expect(proxyOf(env, url)).toBe(proxy);
  });

  it.each(['socks5://proxy:1', 'ftp://proxy:1', 'http://', 'http://u:s3cret%zz@proxy:1', 'http://u:s3cret@:1'])(
    'is refused without its address when it cannot be used: %s',
    (address) => {
      let refusal: unknown;
      try {
        proxiesOf({ https_proxy: address });
      } catch (error) {
        refusal = error;
      }
      expect(codeOf(refusal)).toBe('config_invalid');
      expect(messageOf(refusal)).toContain('https_proxy');
      expect(messageOf(refusal)).not.toContain('s3cret');
    },
  );

  it('has its password among the secrets, in each form in which it is sent', () => {
    const { secrets } = proxiesOf({ HTTP_PROXY: 'http://me:p%40ss@proxy:1', HTTPS_PROXY: 'http://proxy:2' });
    expect(secrets).toEqual(['p%40ss', 'p@ss', Buffer.from('me:p@ss').toString('base64')]);
  });
});

describe('NO_PROXY', () => {
  it.each([
    { list: '*', host: 'a.example', direct: true },
    { list: 'x, * ', host: 'a.example', direct: true },
    { list: 'example.org', host: 'example.org', direct: true },
    { list: 'example.org', host: 'sub.example.org', direct: true },
    { list: 'example.org', host: 'notexample.org', direct: false },
    { list: 'EXAMPLE.org', host: 'example.org', direct: true },
    { list: '.example.org', host: 'example.org', direct: false },
    { list: '.example.org', host: 'sub.example.org', direct: true },
    { list: '*.example.org', host: 'example.org', direct: false },
    { list: '*.example.org', host: 'a.b.example.org', direct: true },
    { list: 'example.org:80', host: 'example.org', direct: true },
    { list: 'example.org:443', host: 'example.org', direct: false },
    { list: 'a, b ,example.org', host: 'example.org', direct: true },
    { list: '192.0.2.1', host: '192.0.2.1', direct: true },
    { list: '192.0.2.1', host: '192.0.2.10', direct: false },
    { list: '192.0.2.1:80', host: '192.0.2.1', direct: true },
    { list: '192.0.2.1:81', host: '192.0.2.1', direct: false },
    { list: '192.0.2.0/24', host: '192.0.2.77', direct: true },
    { list: '192.0.2.0/24', host: '192.0.3.77', direct: false },
    { list: '192.0.2.0/99', host: '192.0.2.1', direct: false },
    { list: '192.0.2.0/24', host: 'example.org', direct: false },
    { list: '2001:db8::1', host: '2001:db8::1', direct: true },
    { list: '2001:db8:0:0::1', host: '2001:db8::1', direct: true },
    { list: '[2001:db8::1]:80', host: '2001:db8::1', direct: true },
    { list: '[2001:db8::1]:81', host: '2001:db8::1', direct: false },
    { list: '2001:db8::/32', host: '2001:db8:1::9', direct: true },
    { list: '2001:db8::/32', host: '2001:db9::9', direct: false },
    { list: '', host: 'example.org', direct: false },
    { list: ',,', host: 'example.org', direct: false },
  ])('"$list" and $host at port 80: $direct', ({ list, host, direct }) => {
    expect(parseNoProxy(list).some((lets) => lets(host, '80'))).toBe(direct);
  });
});
