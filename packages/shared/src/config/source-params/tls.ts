// `tls` of a source: whom its connections trust, and the client certificate that they show (mTLS). Each value is the text
// itself in PEM form, or the path of a file that holds it.
import { z } from 'zod';
import { freeText } from '../fields.ts';

const pemOrPath = 'a path of a file, or its text in PEM form';

/** Is the value the text itself, and not a path? */
export const isPemText = (value: string): boolean => value.includes('-----BEGIN ');

/** Trust and client certificate; the roots of Node and no certificate when it is absent. */
export const tlsSchema = z
  .strictObject({
    ca: freeText(
      'Certificates of the authorities that the provider is trusted by, instead of the usual ones.',
      pemOrPath,
    ).optional(),
    cert: freeText('Client certificate with its chain; with `key`.', pemOrPath).optional(),
    key: freeText('Private key of `cert`.', pemOrPath).optional(),
    passphrase: freeText(
      'Passphrase of `key`; from the environment, `"${KEY_PASSPHRASE}"`.',
      'a passphrase',
    ).optional(),
  })
  .superRefine((tls, context) => {
    const needs = (name: keyof typeof tls, other: keyof typeof tls): void => {
      if (tls[name] !== undefined && tls[other] === undefined)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `has a meaning only beside ${other}`,
          params: { involves: [other] },
        });
    };
    needs('cert', 'key');
    needs('key', 'cert');
    needs('passphrase', 'key');
  })
  .describe('Trust and client certificate of connections to the host of `baseUrl`. Files are read at start.')
  .optional();

/** Trust and client certificate of a source, as the config gives them. */
export type SourceTls = NonNullable<z.output<typeof tlsSchema>>;
