// Which provider a source is polled at: what its breaker is known by, shared by all sources of one host and port.

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** `host:port` of the source's `baseUrl`; null for a source without one, whose polls no breaker concerns. Holds no secret. Pure. */
export const providerHostOf = (source: { readonly baseUrl?: string | undefined }): string | null => {
  const url = source.baseUrl === undefined ? null : URL.parse(source.baseUrl);
  if (url === null || url.hostname === '') return null;
  return `${url.hostname}:${url.port === '' ? (defaultPorts[url.protocol] ?? '') : url.port}`;
};
