// What `tls` of a source comes to: certificates and keys, read from their files once. What cannot be read or does not fit
// together is refused at start, for a source that is enabled; a disabled one says so when an operator starts it.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { isPemText, type SourceTls } from '@stream-manager/shared/config/source-params/tls';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';

/** Options of a TLS connection, as Node takes them. */
export interface TlsOptions {
  readonly ca?: string | readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
}

/** The settings of all sources, each read once. */
export interface TlsSettings {
  /** Those of a source; null: those of Node. Throws `config_invalid`, with the key and without what a file holds. */
  of(source: Pick<ResolvedSource, 'id' | 'tls'>): TlsOptions | null;
}

/** Creates the settings. Nothing is read before it is asked for. */
export const createTlsSettings = (): TlsSettings => {
  const known = new Map<string, TlsOptions>();
  return {
    of: ({ id, tls }) => {
      if (tls === undefined) return null;
      const options = known.get(id) ?? readTls(tls, `sources.${id}.tls`);
      known.set(id, options);
      return options;
    },
  };
};

/** Reads those of every enabled source. Throws one `config_invalid` that names all that is wrong. */
export const checkTls = (settings: TlsSettings, sources: readonly ResolvedSource[]): void => {
  const refusals: string[] = [];
  for (const source of sources) {
    if (!source.enabled) continue;
    try {
      settings.of(source);
    } catch (error) {
      refusals.push(messageOf(error));
    }
  }
  if (refusals.length > 0) throw new StreamManagerError('config_invalid', refusals.join('\n'));
};

/**
 * What goes along to another host, where a redirect led: no certificate. An authority of the source's own counts beside the
 * usual ones there.
 */
export const foreignTls = (own: TlsOptions | null): TlsOptions | null =>
  own?.ca === undefined ? null : { ca: [...getCACertificates('default'), ...[own.ca].flat()] };

const readTls = (tls: SourceTls, path: string): TlsOptions => {
  const options = {
    ...given('ca', pemOf(tls.ca, `${path}.ca`)),
    ...given('cert', pemOf(tls.cert, `${path}.cert`)),
    ...given('key', pemOf(tls.key, `${path}.key`)),
    ...given('passphrase', tls.passphrase),
  };
  const refuse = (key: string, says: string, error: unknown): never => {
    // OpenSSL names what it could not do, and nothing of what it read.
    throw new StreamManagerError('config_invalid', `${path}.${key} ${says} (${reasonOf(error)})`);
  };
  for (const name of ['ca', 'cert'] as const)
    attempt(
      () => certificatesIn(options[name]),
      (error) => refuse(name, 'holds a certificate that cannot be read', error),
    );
  attempt(
    () => createSecureContext({ ...given('key', options.key), ...given('passphrase', options.passphrase) }),
    (error) => refuse('key', 'is no private key in PEM form, or its passphrase is another', error),
  );
  attempt(
    () => createSecureContext(options),
    (error) => refuse('key', 'does not belong to cert', error),
  );
  return options;
};

/** Node leaves aside what it cannot read of an authority, and trusts nobody then. Throws for the first of them. */
const certificatesIn = (pem: string | undefined): readonly X509Certificate[] =>
  (pem?.match(/-----BEGIN [^-]*CERTIFICATE-----[^-]*-----END [^-]*-----/g) ?? (pem === undefined ? [] : [pem])).map(
    (text) => new X509Certificate(text),
  );

const given = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  // One key with its value, or none, which is what the type says.
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };

const attempt = (act: () => unknown, otherwise: (error: unknown) => never): void => {
  try {
    act();
  } catch (error) {
    otherwise(error);
  }
};

const reasonOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unreadable';
};

const pemOf = (value: string | undefined, path: string): string | undefined => {
  if (value === undefined || isPemText(value)) return value;
  let text: string;
  try {
    text = readFileSync(value, 'utf8');
  } catch (error) {
    throw new StreamManagerError('config_invalid', `${path}: the file ${value} cannot be read (${reasonOf(error)})`);
  }
  if (isPemText(text)) return text;
  throw new StreamManagerError('config_invalid', `${path}: the file ${value} holds nothing in PEM form`);
};
